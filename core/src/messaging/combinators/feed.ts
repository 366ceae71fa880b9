import { MillraceError } from '../../errors.ts';
import type { JsonValue, Message } from '../../publisher.ts';
import type { Subscriber } from '../../subscriber.ts';
import { Fifo } from '../fifo.ts';
import type { Received } from '../source.ts';

/** A message of a child, as the fan-in receives it. */
export class FromChild implements Received {
  readonly key: string | undefined;
  readonly headers: Readonly<Record<string, string>> | undefined;
  readonly value: JsonValue;
  readonly body = '';
  readonly message: Message;
  readonly feed: Feed;

  constructor(message: Message, feed: Feed) {
    this.key = message.key;
    this.headers = message.headers;
    this.value = message.value;
    this.message = message;
    this.feed = feed;
  }
}

export interface FeedOptions {
  /** Messages of a child with manual acknowledgement that may be held at once. */
  readonly maxDepth: number;
  /** There is something to take, or the child has ended. */
  changed(): void;
  failed(error: unknown): void;
}

/** Takes the messages of one child, and holds them until they are acknowledged. */
export class Feed {
  readonly #child: Subscriber;
  readonly #options: FeedOptions;
  /** One, where the child takes the end of its handler for the acknowledgement. */
  readonly #limit: number;
  readonly #stopped = new AbortController();
  readonly #ready = new Fifo<FromChild>();
  /** Ready, or taken and not acknowledged. */
  #held = 0;
  #room: PromiseWithResolvers<void> | undefined;
  ended = false;

  constructor(child: Subscriber, options: FeedOptions) {
    this.#child = child;
    this.#options = options;
    this.#limit = child.details().ack === 'auto' ? 1 : options.maxDepth;
  }

  /** That can be taken. */
  get ready(): number {
    return this.#ready.length;
  }

  /** Whether nothing will be ready any more, as its child was taken out. */
  get isSpent(): boolean {
    return this.#stopped.signal.aborted && this.ready === 0;
  }

  /** Until the child ends or `stop`. Does not reject. */
  async run(): Promise<void> {
    const { signal } = this.#stopped;
    try {
      // No handler: what is held must not keep its child from closing.
      for (;;) {
        const message = await this.#child.next({ signal });
        if (message === undefined) break;
        const room = this.#hold(message);
        if (room !== undefined) await room;
      }
    } catch (error) {
      if (!signal.aborted) this.#options.failed(error);
    }
    this.ended = true;
    this.#options.changed();
  }

  take(): FromChild {
    return this.#ready.shift()!;
  }

  acknowledge({ message }: FromChild): void {
    this.#held--;
    this.#child.acknowledge(message);
    if (this.#held * 2 > this.#limit) return;
    this.#room?.resolve();
    this.#room = undefined;
  }

  /** Asks for nothing more. What is held can still be taken and acknowledged. */
  stop(): void {
    this.#stopped.abort();
  }

  /** Stops, and leaves what is held unacknowledged. */
  abandon(): void {
    this.stop();
    this.#room?.reject(new MillraceError('CANCELLED', `the fan-in of "${this.#child.name}" is closed`));
  }

  /** @returns what to wait for before the child is asked for more, if it must wait */
  #hold(message: Message): Promise<void> | undefined {
    this.#held++;
    this.#ready.push(new FromChild(message, this));
    this.#options.changed();
    if (this.#held < this.#limit) return undefined;
    this.#room = Promise.withResolvers<void>();
    return this.#room.promise;
  }
}
