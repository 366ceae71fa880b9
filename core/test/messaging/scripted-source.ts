import { defineOptions, defineSource, subscriberOf } from '@millrace/core';
import type { Received, SourceConnector, Subscriber, SubscriberConfig } from '@millrace/core';
import { expect } from 'vitest';

/** A source in this process that keeps a position, as a log does: what was not acknowledged comes again. */
export class ScriptedSource {
  readonly log: string[] = [];
  acknowledged = 0;
  acknowledgeCalls = 0;
  ended = false;
  /** Whether it waits for messages, rather than to answer that there is none. */
  waits = true;
  connections = 0;
  /** Calls of `receive`. */
  asked = 0;
  closed = 0;
  /** Milliseconds between two renewals; without it none is asked for. */
  renews: number | undefined;
  renewed = 0;
  /** What acknowledging or renewing fails with, once. */
  refusal: Error | undefined;
  /** What a wait for messages fails with when its connection is closed. */
  closing: Error | undefined;
  /** Takes back what the application has not got. @returns their positions */
  recall: () => readonly number[] = () => [];
  readonly #waiting = new Set<() => void>();
  #breaks: Error | undefined;

  connector(acknowledges = true): SourceConnector {
    return defineSource({
      options: defineOptions('scripted', {}),
      prepare: () => ({
        connect: async () => {
          this.connections++;
          let next = this.acknowledged;
          return {
            receive: async (max: number, signal: AbortSignal) => {
              this.asked++;
              if (this.waits && next >= this.log.length && !this.ended && !signal.aborted) await this.#more(signal);
              const failure = this.#breaks;
              this.#breaks = undefined;
              if (failure !== undefined) throw failure;
              if (signal.aborted && acknowledges) return [];
              const received: Received[] = this.log
                .slice(next, next + max)
                .map((body, index) => ({ body, token: next + index }));
              if (received.length === 0 && this.ended) return undefined;
              next += received.length;
              if (!acknowledges) this.acknowledged = next;
              return received;
            },
            ...(acknowledges
              ? {
                  acknowledge: async (received: readonly Received[]) => {
                    this.acknowledgeCalls++;
                    this.#refuse();
                    expect(received.map(({ token }) => token)).toEqual(
                      received.map((_, index) => this.acknowledged + index),
                    );
                    this.acknowledged += received.length;
                  },
                }
              : {}),
            ...(this.renews === undefined
              ? {}
              : {
                  renewal: {
                    everyMs: this.renews,
                    renew: async () => {
                      this.renewed++;
                      this.#refuse();
                    },
                  },
                }),
            recallable: (recall: () => readonly Received[]) => {
              this.recall = () => {
                const positions = recall().map(({ token }) => token as number);
                next = Math.min(next, ...positions);
                this.#wake();
                return positions;
              };
            },
            close: async () => {
              this.closed++;
              if (this.closing !== undefined) this.#breaks = this.closing;
              this.#wake();
            },
          };
        },
      }),
    });
  }

  add(...values: unknown[]): void {
    this.log.push(...values.map((value) => JSON.stringify(value)));
    this.#wake();
  }

  breakOff(error: Error): void {
    this.#breaks = error;
    this.#wake();
  }

  end(): void {
    this.ended = true;
    this.#wake();
  }

  async subscriber(config: SubscriberConfig = {}, acknowledges = true): Promise<Subscriber> {
    const backOff = { retryBackoff: '1ms', retryMaxBackoff: '2ms' };
    const subscriber = subscriberOf(this.connector(acknowledges), 'orders', 'scripted://source', {
      ...backOff,
      ...config,
    });
    await subscriber.start();
    return subscriber;
  }

  #refuse(): void {
    const { refusal } = this;
    this.refusal = undefined;
    if (refusal !== undefined) throw refusal;
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  async #more(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    signal.addEventListener('abort', () => resolve(), { once: true });
    await promise;
  }
}
