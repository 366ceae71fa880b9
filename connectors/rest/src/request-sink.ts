import http from 'node:http';
import https from 'node:https';
import { MillraceError } from '@millrace/core';
import type { Refusal, Sink } from '@millrace/core';
import { refusalOf, retryAfterMs } from './answer.ts';
import { request } from './request.ts';
import type { Target, WebMessage } from './request.ts';

type Outcome = 'taken' | MillraceError;

/** What the target has answered for good. Kept over connections: what was answered is not sent again with its batch. */
export type Outcomes = WeakMap<WebMessage, Outcome>;

/** Sends each message as a request, over connections that are kept open. */
export class RequestSink implements Sink<WebMessage> {
  readonly #target: Target;
  readonly #concurrency: number;
  readonly #outcomes: Outcomes;
  readonly #retryAfter: (waitMs: number) => void;
  readonly #agent: http.Agent;
  readonly #closed = new AbortController();

  constructor(target: Target, concurrency: number, outcomes: Outcomes, retryAfter: (waitMs: number) => void) {
    this.#target = target;
    this.#concurrency = concurrency;
    this.#outcomes = outcomes;
    this.#retryAfter = retryAfter;
    const options = { keepAlive: true, maxSockets: concurrency };
    this.#agent = target.url.protocol === 'https:' ? new https.Agent(options) : new http.Agent(options);
  }

  async send(messages: readonly WebMessage[], taken: (count: number) => void): Promise<readonly Refusal[]> {
    let [next, accepted] = [0, 0];
    let failure: unknown;
    const work = async (): Promise<void> => {
      while (next < messages.length && failure === undefined) {
        const message = messages[next++]!;
        try {
          if (!this.#outcomes.has(message)) this.#outcomes.set(message, await this.#deliver(message));
        } catch (error) {
          failure ??= error;
        }
        while (accepted < messages.length && this.#outcomes.get(messages[accepted]!) === 'taken') accepted++;
        taken(accepted);
      }
    };
    await Promise.all(Array.from({ length: Math.min(this.#concurrency, messages.length) }, work));
    if (failure !== undefined) throw failure;
    return messages.flatMap((message, index) => {
      const outcome = this.#outcomes.get(message);
      return outcome instanceof MillraceError ? { index, error: outcome } : [];
    });
  }

  async close(): Promise<void> {
    this.#closed.abort();
    this.#agent.destroy();
  }

  /** @throws UNAVAILABLE */
  async #deliver(message: WebMessage): Promise<Outcome> {
    const answer = await request(this.#target, this.#agent, message, this.#closed.signal);
    const error = refusalOf(answer, this.#target);
    if (error === undefined) return 'taken';
    if (!error.retry) return error;
    const waitMs = retryAfterMs(answer, Date.now());
    if (waitMs !== undefined) this.#retryAfter(waitMs);
    throw error;
  }
}
