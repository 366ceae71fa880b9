import type { Message } from '../publisher.ts';
import type { Held } from './ahead.ts';
import { Acknowledgements } from './acknowledgements.ts';
import type { Unacknowledged } from './acknowledgements.ts';
import type { Received, Source } from './source.ts';

/** A message that has been received. */
export interface Item extends Unacknowledged {
  readonly message: Message;
  readonly priority: number;
}

export interface ReceiptsOptions {
  readonly ack: 'auto' | 'manual';
  /** The connection that there is fails to take acknowledgements, or to renew. */
  failed(error: unknown): void;
  /** With manual acknowledgement: less is held now. */
  freed(): void;
}

/** What has been received and is to be acknowledged, over one connection after the other. */
export class Receipts {
  readonly #options: ReceiptsOptions;
  /** Of the connection there is; undefined where the source needs none. */
  #current: Acknowledgements | undefined;
  #toldBefore = 0;
  /** Given to the application by `next`, to be acknowledged when it asks again. */
  #given: Item[] = [];
  /** With manual acknowledgement, those that are not acknowledged. No WeakMap: it costs more than all the rest. */
  readonly #itemOf = new Map<Message, Item>();

  constructor(options: ReceiptsOptions) {
    this.#options = options;
  }

  /** Whether what is not acknowledged comes again. */
  get needed(): boolean {
    return this.#current !== undefined;
  }

  /** Received and not acknowledged. */
  get open(): number {
    return this.#current?.open ?? 0;
  }

  /** Told to the source. */
  get told(): number {
    return this.#toldBefore + (this.#current?.told ?? 0);
  }

  /** What counts against the bounds with manual acknowledgement; undefined where it is all the same. */
  get held(): Held | undefined {
    if (this.#options.ack === 'auto' || this.#current === undefined) return undefined;
    return { messages: this.#current.open, bytes: this.#current.openBytes };
  }

  /** What comes from now on comes from there. */
  connected(source: Source): void {
    if (source.acknowledge === undefined) return;
    const acknowledgements = new Acknowledgements(source, (error) => {
      // The connection's own failure is met by the loop, which waits for its next message.
      if (this.#current === acknowledgements) this.#options.failed(error);
    });
    this.#current = acknowledgements;
  }

  track(item: Item): void {
    if (this.#current === undefined) return;
    this.#current.track(item);
    if (this.#options.ack === 'manual') this.#itemOf.set(item.message, item);
  }

  /** Nobody will ask for it, so it is done with. */
  skip(received: Received): void {
    const skipped = { received, bytes: 0, done: false };
    this.#current?.track(skipped);
    this.#current?.done(skipped);
  }

  /** The application has it now; with automatic acknowledgement until `returned`. */
  give(item: Item): Message {
    if (this.#current !== undefined && this.#options.ack === 'auto') this.#given.push(item);
    return item.message;
  }

  /** The application asks for more: it is done with what it was given. */
  returned(): void {
    if (this.#given.length === 0) return;
    const given = this.#given;
    this.#given = [];
    for (const item of given) this.done(item);
  }

  acknowledge(message: Message): void {
    const item = this.#itemOf.get(message) ?? this.#given.find((given) => given.message === message);
    if (item === undefined) return;
    this.#itemOf.delete(message);
    this.done(item);
  }

  done(item: Item): void {
    this.#current?.done(item);
    if (this.#options.ack === 'manual') this.#options.freed();
  }

  /** The application will not get these. @returns what is not acknowledged therefore */
  recall(unread: readonly Item[]): Received[] {
    for (const { message } of unread) this.#itemOf.delete(message);
    return this.#current?.recall(new Set<Unacknowledged>(unread)) ?? [];
  }

  /** Resolves when everything that can be told has been. */
  async settled(): Promise<void> {
    await this.#current?.settled();
  }

  /** The connection is gone: what was not acknowledged comes again. */
  abandon(): void {
    this.#toldBefore = this.told;
    this.#current?.abandon();
    this.#current = undefined;
    this.#given = [];
    this.#itemOf.clear();
  }
}
