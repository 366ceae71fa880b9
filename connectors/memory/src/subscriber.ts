import { defineSource } from '@millrace/core';
import type { Received, Source, SourceConnector } from '@millrace/core';
import { BoundedQueue } from './bounded-queue.ts';
import type { Channel } from './channel.ts';
import type { MemoryBroker } from './memory-broker.ts';
import { memoryOptions, parsePlace } from './place.ts';
import type { MemoryMessage } from './publisher.ts';

/** Receives from the broker's queues and topics. */
export function memorySource(broker: MemoryBroker): SourceConnector {
  return defineSource({
    options: memoryOptions,
    prepare({ text, values }) {
      const place = parsePlace(text, values.maxSize);
      const leave = (channel: Channel): void => broker.leave(place, channel);
      return {
        // What waits in the broker is bounded, and on a queue it is for whoever asks first.
        onDemand: true,
        async connect(): Promise<Source> {
          const channel = broker.enter(text, place);
          return place.kind === 'queue' ? new QueueSource(channel, leave) : new TopicSource(channel, leave);
        },
      };
    },
  });
}

class QueueSource implements Source {
  readonly #channel: Channel;
  readonly #leave: (channel: Channel) => void;

  constructor(channel: Channel, leave: (channel: Channel) => void) {
    this.#channel = channel;
    this.#leave = leave;
  }

  async receive(max: number, signal: AbortSignal): Promise<readonly Received[]> {
    const [shared] = this.#channel.buffers;
    return shared!.take(max, signal);
  }

  async close(): Promise<void> {
    this.#leave(this.#channel);
  }
}

class TopicSource implements Source {
  readonly #channel: Channel;
  readonly #leave: (channel: Channel) => void;
  readonly #own: BoundedQueue<MemoryMessage>;

  constructor(channel: Channel, leave: (channel: Channel) => void) {
    this.#channel = channel;
    this.#leave = leave;
    this.#own = new BoundedQueue(channel.maxSize);
    channel.buffers.add(this.#own);
  }

  async receive(max: number, signal: AbortSignal): Promise<readonly Received[]> {
    if (!signal.aborted) return this.#own.take(max, signal);
    // Asked for the last time: what was copied to this subscriber is nobody else's.
    this.#detach();
    return this.#own.takeNow(max);
  }

  async close(): Promise<void> {
    this.#detach();
    this.#leave(this.#channel);
  }

  #detach(): void {
    this.#channel.buffers.delete(this.#own);
    this.#own.close();
  }
}
