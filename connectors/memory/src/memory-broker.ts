import { MillraceError, publisherOf, subscriberOf } from '@millrace/core';
import type { Connector, Publisher, PublisherConfig, Subscriber, SubscriberConfig } from '@millrace/core';
import { newChannel } from './channel.ts';
import type { Channel } from './channel.ts';
import type { Place } from './place.ts';
import { memorySink } from './publisher.ts';
import { memorySource } from './subscriber.ts';

const SCHEMES = ['memory', 'mem', 'inmemory'];

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
 * const subscriber = await broker.openSubscriber('memory://queue/orders?max_size=1000');
 * const publisher = await broker.openPublisher('memory://queue/orders');
 * await publisher.publish({ value: { total: 12 } });
 * await subscriber.next();   // { value: { total: 12 } }
 */
export class MemoryBroker {
  readonly #channels = new Map<string, Channel>();
  /** For a registry of its own: everyone who opens a URL through it meets at this broker. */
  readonly connector: Connector;

  constructor() {
    const [sink, source] = [memorySink(this), memorySource(this)];
    this.connector = {
      sinks: Object.fromEntries(SCHEMES.map((scheme) => [scheme, sink])),
      sources: Object.fromEntries(SCHEMES.map((scheme) => [scheme, source])),
    };
  }

  /** @throws INVALID_ARGUMENT when the URL is not understood, or its `max_size` differs from the one in use */
  async openPublisher(url: string, config: PublisherConfig = {}): Promise<Publisher> {
    const publisher = publisherOf(memorySink(this), url, url, config);
    await publisher.start();
    return publisher;
  }

  /** @throws as `openPublisher` */
  async openSubscriber(url: string, config: SubscriberConfig = {}): Promise<Subscriber> {
    const subscriber = subscriberOf(memorySource(this), url, url, config);
    await subscriber.start();
    return subscriber;
  }

  /** Joins the users of a name; ended by `leave`. @throws INVALID_ARGUMENT */
  enter(url: string, place: Place): Channel {
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
  leave(place: Place, channel: Channel): void {
    channel.users--;
    const holds = Array.from(channel.buffers).some((buffer) => buffer.length > 0);
    if (channel.users === 0 && !holds) this.#channels.delete(idOf(place));
  }
}

const idOf = ({ kind, name }: Place): string => `${kind}/${name}`;
