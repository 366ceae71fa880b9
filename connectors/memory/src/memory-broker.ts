import { MillraceError } from '@millrace/core';
import type { Publisher, Subscriber } from '@millrace/core';
import { BoundedQueue } from './bounded-queue.ts';
import type { MessageText } from './message-text.ts';
import type { Place } from './place.ts';
import { DEFAULT_MAX_SIZE, parsePlace } from './place.ts';
import { MemoryPublisher } from './publisher.ts';
import { MemorySubscriber } from './subscriber.ts';

/** A queue has one buffer that all its subscribers share; a topic has one for each subscriber. */
interface Channel {
  readonly maxSize: number;
  readonly buffers: Set<BoundedQueue<MessageText>>;
  /** Open publishers and subscribers. */
  users: number;
}

/**
 * Named queues and topics within one process.
 *
 * `memory://queue/NAME`: each message goes to one subscriber, and waits for one while there is none.
 * `memory://topic/NAME`: each message is copied to every subscriber that is open; without any it is dropped.
 *
 * Both hold at most `max_size` messages (per subscriber, on a topic; 100,000 by default): a publisher waits while
 * there is no room. Whoever opens a name first decides its `max_size`. Nothing survives the process.
 *
 * @example
 * const broker = new MemoryBroker();
 * const subscriber = broker.openSubscriber('memory://queue/orders?max_size=1000');
 * await broker.openPublisher('memory://queue/orders').publish({ value: { total: 12 } });
 * await subscriber.next();   // { value: { total: 12 } }
 */
export class MemoryBroker {
  readonly #channels = new Map<string, Channel>();

  /** @throws INVALID_ARGUMENT when the URL is not understood, or its `max_size` differs from the one in use */
  openPublisher(url: string): Publisher {
    const place = parsePlace(url);
    const channel = this.#enter(url, place);
    return new MemoryPublisher(
      url,
      async (message) => {
        await Promise.all(Array.from(channel.buffers, (buffer) => buffer.put(message)));
      },
      () => this.#leave(place, channel),
    );
  }

  /** @throws as `openPublisher` */
  openSubscriber(url: string): Subscriber {
    const place = parsePlace(url);
    const channel = this.#enter(url, place);
    if (place.kind === 'queue') {
      const [shared] = channel.buffers;
      // What a shared queue still holds when one subscriber closes is for the others.
      return new MemorySubscriber(shared!, () => {
        this.#leave(place, channel);
        return undefined;
      });
    }
    const own = new BoundedQueue<MessageText>(channel.maxSize);
    channel.buffers.add(own);
    return new MemorySubscriber(own, () => {
      channel.buffers.delete(own);
      own.close();
      this.#leave(place, channel);
      return own;
    });
  }

  #enter(url: string, place: Place): Channel {
    const id = idOf(place);
    let channel = this.#channels.get(id);
    if (channel === undefined) {
      channel = newChannel(place);
      this.#channels.set(id, channel);
    }
    if (place.maxSize !== undefined && place.maxSize !== channel.maxSize) {
      throw new MillraceError('INVALID_ARGUMENT', `"${url}" is in use with max_size=${channel.maxSize}`, {
        field: 'max_size',
        value: place.maxSize,
        accepted: String(channel.maxSize),
      });
    }
    channel.users++;
    return channel;
  }

  /** Forgets a name that nobody uses and that holds nothing: names may be made up at run time. */
  #leave(place: Place, channel: Channel): void {
    channel.users--;
    const holds = Array.from(channel.buffers).some((buffer) => buffer.length > 0);
    if (channel.users === 0 && !holds) this.#channels.delete(idOf(place));
  }
}

const idOf = ({ kind, name }: Place): string => `${kind}/${name}`;

function newChannel({ kind, maxSize = DEFAULT_MAX_SIZE }: Place): Channel {
  return { maxSize, buffers: new Set(kind === 'queue' ? [new BoundedQueue<MessageText>(maxSize)] : []), users: 0 };
}
