import { defineSink, jsonText, MillraceError } from '@millrace/core';
import type { Encoded, Received, Refusal, Sink, SinkConnector } from '@millrace/core';
import type { Putter } from './bounded-queue.ts';
import type { Channel } from './channel.ts';
import type { MemoryBroker } from './memory-broker.ts';
import { memoryOptions, parsePlace } from './place.ts';

/**
 * A message on its way: JSON text, so that everyone who receives it gets a copy of their own, and the same values come
 * out that would come out of a connector with a network in between.
 */
export interface MemoryMessage extends Encoded, Received {
  readonly body: string;
}

/** Roughly what an object with its key takes beside the text. */
const OVERHEAD_BYTES = 64;

/** Sends into the broker's queues and topics. */
export function memorySink(broker: MemoryBroker): SinkConnector {
  return defineSink({
    options: memoryOptions,
    prepare({ text, values }) {
      const place = parsePlace(text, values.maxSize);
      return {
        encode({ key, value, headers }): MemoryMessage {
          const body = jsonText(value);
          const bytes = body.length * 2 + OVERHEAD_BYTES;
          if (headers !== undefined)
            return { bytes, body, headers: { ...headers }, ...(key === undefined ? {} : { key }) };
          return key === undefined ? { bytes, body } : { bytes, body, key };
        },
        connect: async () => new MemorySink(text, broker.enter(text, place), (channel) => broker.leave(place, channel)),
      };
    },
  });
}

class MemorySink implements Sink<MemoryMessage> {
  readonly #url: string;
  readonly #channel: Channel;
  readonly #leave: (channel: Channel) => void;
  #waiting: readonly Putter<MemoryMessage>[] = [];
  #closed = false;

  constructor(url: string, channel: Channel, leave: (channel: Channel) => void) {
    this.#url = url;
    this.#channel = channel;
    this.#leave = leave;
  }

  async send(messages: readonly MemoryMessage[], taken: (count: number) => void): Promise<readonly Refusal[]> {
    for (const [index, message] of messages.entries()) {
      const waiting: Putter<MemoryMessage>[] = [];
      for (const buffer of this.#channel.buffers) {
        const putter = buffer.put(message);
        if (putter !== undefined) waiting.push(putter);
      }
      if (waiting.length > 0) {
        taken(index);
        await this.#room(waiting);
      }
    }
    return [];
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const putter of this.#waiting) {
      putter.withdrawn = true;
      putter.settle();
    }
    this.#leave(this.#channel);
  }

  async #room(waiting: readonly Putter<MemoryMessage>[]): Promise<void> {
    this.#waiting = waiting;
    await Promise.all(waiting.map(({ settled }) => settled));
    this.#waiting = [];
    if (this.#closed)
      throw new MillraceError('UNAVAILABLE', `the publisher of ${this.#url} was closed while it waited for room`);
  }
}
