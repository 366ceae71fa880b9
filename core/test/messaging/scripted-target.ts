import { defineOptions, defineSink, integerOption, jsonText, MillraceError, publisherOf } from '@millrace/core';
import type { Encoded, Publisher, PublisherConfig, Refusal, SinkConnector } from '@millrace/core';

interface Text extends Encoded {
  readonly json: string;
}

/** What a target does with one request: takes so many, refuses some of those, and then answers, breaks or stops. */
export interface Step {
  /** Default: all. */
  readonly take?: number;
  /** Tells `taken` about what it took before it breaks. */
  readonly tell?: boolean;
  /** Indexes refused for good. */
  readonly refuse?: readonly number[];
  readonly end?: 'answer' | 'break' | 'reject';
}

export const unavailable = (): MillraceError => new MillraceError('UNAVAILABLE', 'the scripted target is away');
export const refused = (): MillraceError => new MillraceError('REFUSED', 'the scripted target says no');

/** A target in this process that follows a script, and then takes everything. */
export class ScriptedTarget {
  /** Everything that arrived, also what was sent again. */
  readonly received: unknown[] = [];
  readonly batches: number[] = [];
  readonly steps: Step[] = [];
  connections = 0;
  open = 0;
  /** Whether connecting fails. */
  away = false;
  /** Requests do not settle before it has. */
  gate: Promise<void> = Promise.resolve();

  readonly connector: SinkConnector = defineSink({
    options: defineOptions('scripted', {
      timeToLive: integerOption({ optional: true, min: 1, description: 'Seconds' }),
    }),
    prepare: () => ({
      encode: ({ value }): Text => {
        const json = jsonText(value);
        return { json, bytes: json.length };
      },
      connect: async () => {
        if (this.away) throw unavailable();
        this.connections++;
        this.open++;
        let closed = false;
        return {
          send: (messages: readonly Text[], taken: (count: number) => void) => this.#send(messages, taken),
          close: async () => {
            if (!closed) this.open--;
            closed = true;
          },
        };
      },
    }),
  });

  async publisher(config: PublisherConfig = {}): Promise<Publisher> {
    const publisher = this.create(config);
    await publisher.start();
    return publisher;
  }

  create(config: PublisherConfig = {}): Publisher {
    return publisherOf(this.connector, 'orders', 'scripted://target', {
      retryBackoff: '1ms',
      retryMaxBackoff: '2ms',
      ...config,
    });
  }

  async #send(messages: readonly Text[], taken: (count: number) => void): Promise<readonly Refusal[]> {
    this.batches.push(messages.length);
    const { take = messages.length, tell = false, refuse = [], end = 'answer' } = this.steps.shift() ?? {};
    await this.gate;
    if (end === 'reject') throw refused();
    // Who breaks off has said nothing yet.
    const no = new Set(end === 'break' ? [] : refuse.filter((index) => index < messages.length));
    const count = end === 'break' ? Math.min(take, messages.length) : messages.length;
    for (const [index, { json }] of messages.slice(0, count).entries()) {
      if (!no.has(index)) this.received.push(JSON.parse(json));
    }
    if (end === 'break') {
      if (tell) taken(count);
      throw unavailable();
    }
    return Array.from(no, (index) => ({ index, error: refused() }));
  }
}

/** The values in the order in which they arrived first. */
export function firstArrivals(received: readonly unknown[]): unknown[] {
  return [...new Set(received)];
}
