import type { Batch, EventLog } from '../event-log.ts';
import { MillraceError, toMillraceError } from '../errors.ts';
import type { KeyValueStore } from '../key-value-store.ts';
import { Lifecycle } from '../lifecycle.ts';
import type { SignalOption } from '../lifecycle.ts';
import type { Logger } from '../logging.ts';
import type { Message, Publisher, PublisherDetails } from '../publisher.ts';
import { atMost } from './at-most.ts';
import { isWorthALine } from './hooks.ts';
import { SinkPublisher } from './sink-publisher.ts';
import type { SinkPublisherOptions } from './sink-publisher.ts';
import { Skipped } from './sink.ts';
import type { Encoded, PreparedSink, Refusal, Sink } from './sink.ts';
import { checkWalOptions } from './wal-options.ts';
import { messageOf, recordOf } from './wal-record.ts';

const GROUP = 'sender';
const POSITION = 'wal-position';
const DEFAULT_DEADLINE_MS = 5000;

export interface WalStores {
  /** With one partition. */
  readonly log: EventLog;
  /** Keeps how far the messages have been delivered. */
  readonly positions: KeyValueStore;
}

interface LoggedMessage extends Encoded {
  readonly record: Uint8Array;
}

/**
 * A publisher with a write-ahead buffer: two in a row, the first of which publishes into a log on disk, and the second
 * from there to the target. What is in the log is delivered in order, at least once, also after a `kill -9`.
 */
export class WalPublisher implements Publisher {
  readonly name: string;
  readonly #lifecycle: Lifecycle;
  readonly #open: () => Promise<WalStores>;
  readonly #front: SinkPublisher;
  readonly #back: SinkPublisher;
  readonly #logger: Logger | undefined;
  readonly #onError: SinkPublisherOptions['hooks']['onError'];
  readonly #maxBytes: number;
  readonly #ended = new AbortController();
  #stores: WalStores | undefined;
  #relaying: Promise<void> | undefined;
  #failure: unknown;
  /** Of messages of this run that have not been delivered. */
  #pendingBytes = 0;
  /** On disk, for what an earlier run left: 0 as soon as all of that is delivered, although its files may stay. */
  #leftBytes = 0;
  #appended = 0;
  /** Settled by the second publisher, of those that were appended in this run. */
  #relayed = 0;
  /** Left by an earlier run. Some of them may be damaged, which shows when they are read. */
  #recovered = 0;
  /** Of those, the ones that have been read. */
  #readAgain = 0;
  /** Whether an earlier run left some that are not delivered. */
  #left = false;
  /** Taken by the target's options of an earlier run, and refused by those of this one. */
  #unfit = 0;
  #lastUnfit: MillraceError | undefined;
  #flushing = 0;
  readonly #waitingForRelay = new Set<() => void>();

  constructor(target: PreparedSink<Encoded>, open: () => Promise<WalStores>, options: SinkPublisherOptions) {
    const { name, values, hooks } = options;
    this.name = name;
    this.#open = open;
    this.#logger = hooks.logger;
    this.#onError = hooks.onError;
    this.#maxBytes = values.walMaxBytes;
    this.#lifecycle = new Lifecycle(`publisher "${name}"`);
    checkWalOptions(`publisher "${name}"`, values);
    // Pacing is between disk and target.
    this.#front = new SinkPublisher(this.#sink(target), { ...options, values: { ...values, publishInterval: 0 } });
    this.#back = new SinkPublisher(target, {
      ...options,
      values: { ...values, overflow: 'block' },
      hooks: { logger: hooks.logger, onError: hooks.onError },
      // The callers were told that it is safe.
      patient: true,
    });
  }

  async start(): Promise<void> {
    await this.#lifecycle.start(async () => {
      this.#stores = await this.#open();
      const { log, positions } = this.#stores;
      const { earliest, next } = await log.bounds(0);
      const [saved] = await positions.getMany([POSITION]);
      // What was released has been delivered, whatever a power loss left of the position.
      const from = Math.max(earliest, saved === undefined ? 0 : Number(Buffer.from(saved.value).toString()));
      this.#left = from < next;
      // Its one partition has them without holes.
      this.#recovered = Math.max(0, next - from);
      if (this.#left) this.#leftBytes = log.statistics?.().bytes ?? 0;
      await this.#back.start();
      await this.#front.start();
      this.#relaying = this.#relay(this.#stores, from, next);
    });
  }

  publish(message: Message, options?: SignalOption): Promise<void> {
    return this.#front.publish(message, options);
  }

  enqueue(message: Message, options?: SignalOption): Promise<void> {
    return this.#front.enqueue(message, options);
  }

  async flush(): Promise<void> {
    await this.#front.flush();
    const appended = this.#appended;
    this.#flushing++;
    void this.#back.flush();
    const isDelivered = (): boolean => !this.#left && this.#relayed >= appended;
    while (!isDelivered() && this.#failure === undefined && !this.#ended.signal.aborted) {
      await new Promise<void>((resolve) => this.#waitingForRelay.add(resolve));
    }
    this.#flushing--;
  }

  suspend(): void {
    this.#back.suspend();
  }

  resume(): void {
    this.#back.resume();
  }

  isRunning(): boolean {
    return this.#lifecycle.state === 'running';
  }

  details(): PublisherDetails {
    const [front, back] = [this.#front.details(), this.#back.details()];
    // An earlier run may have logged what the options of this one skip.
    const offered = front.offered + this.#recovered - back.skipped;
    const refused = front.refused + back.refused + this.#unfit;
    return {
      ...back,
      state: this.#lifecycle.state,
      offered,
      refused,
      dropped: front.dropped,
      filtered: front.filtered,
      skipped: front.skipped + back.skipped,
      queue_depth: offered - back.publish_count - refused - front.dropped,
      queue_bytes: front.queue_bytes + back.queue_bytes,
      wal_bytes: this.#waitingBytes,
      last_error: front.last_error ?? back.last_error ?? this.#lastUnfit?.message,
    };
  }

  /** What is not delivered within the deadline (5 s by default) stays on disk, for the next start. */
  async close({ deadlineMs = DEFAULT_DEADLINE_MS }: { readonly deadlineMs?: number } = {}): Promise<void> {
    await this.#lifecycle.stop(async () => {
      const started = performance.now();
      try {
        await this.#front.close({ deadlineMs });
        await atMost(Math.max(0, deadlineMs - (performance.now() - started)), this.flush());
      } finally {
        await this.#release();
      }
    });
  }

  get #waitingBytes(): number {
    return this.#leftBytes + this.#pendingBytes;
  }

  async #release(): Promise<void> {
    this.#ended.abort();
    this.#told();
    // Nothing that it drops is lost: the position stays in front of it.
    await this.#back.abandon();
    await this.#relaying;
    await this.#stores?.log.close();
    await this.#stores?.positions.close();
  }

  /** The sink of the first publisher. */
  #sink(target: PreparedSink<Encoded>): PreparedSink<LoggedMessage> {
    return {
      encode: (message) => {
        // Refuses now what the target would refuse later.
        const encoded = target.encode(message);
        if (encoded instanceof Skipped) return encoded;
        const record = recordOf(message);
        return { bytes: record.length, record };
      },
      connect: async (): Promise<Sink<LoggedMessage>> => ({
        send: (messages) => this.#append(messages),
        close: async () => {},
      }),
    };
  }

  async #append(messages: readonly LoggedMessage[]): Promise<readonly Refusal[]> {
    if (this.#failure !== undefined)
      throw new MillraceError('LOG_FAILED', 'the write-ahead buffer cannot be read', { cause: this.#failure });
    if (this.#waitingBytes > this.#maxBytes) {
      const message = `the write-ahead buffer of publisher "${this.name}" is full: ${this.#waitingBytes} bytes wait for the target`;
      throw new MillraceError('LOG_FULL', message, { field: 'wal_max_bytes', value: this.#maxBytes });
    }
    await this.#stores!.log.append(messages.map(({ record }) => ({ partition: 0, value: record })));
    this.#appended += messages.length;
    for (const { bytes } of messages) this.#pendingBytes += bytes;
    return [];
  }

  /** Delivers what is in the log until the end. */
  async #relay({ log, positions }: WalStores, from: number, firstNew: number): Promise<void> {
    try {
      await log.consume(GROUP, {
        start: async () => from,
        handle: async (batches) => {
          for (const batch of batches) await this.#deliver(batch, firstNew);
          await (this.#flushing > 0 ? this.#back.flush() : this.#back.settled());
          // Ended meanwhile: what was not sent is sent after the next start.
          if (this.#ended.signal.aborted) return;
          for (const { to, records } of batches) {
            await positions.set(POSITION, Buffer.from(String(to)));
            await log.release(GROUP, 0, to);
            this.#relayed += records.filter(({ offset }) => offset >= firstNew).length;
            for (const { offset, value } of records) {
              if (offset >= firstNew) this.#pendingBytes -= value.length;
              else this.#leftBytes = Math.max(0, this.#leftBytes - value.length);
            }
            if (to < firstNew) continue;
            this.#left = false;
            this.#leftBytes = 0;
            this.#recovered = this.#readAgain;
          }
          this.#told();
        },
        signal: this.#ended.signal,
      });
    } catch (error) {
      // The second publisher refuses what comes after its end; it stays on disk.
      if (this.#ended.signal.aborted) return;
      this.#failure = error;
      this.#logger?.error({ err: error }, `publisher "${this.name}": its write-ahead buffer cannot be read`);
      this.#told();
    }
  }

  async #deliver({ records, damage = [] }: Batch, firstNew: number): Promise<void> {
    for (const { place, reason } of damage) {
      this.#logger?.error({ place, reason }, `publisher "${this.name}": messages in its write-ahead buffer are lost`);
    }
    for (const { offset, value } of records) {
      if (this.#ended.signal.aborted) return;
      if (offset < firstNew) this.#readAgain++;
      await this.#pass(value);
    }
  }

  /** To the second publisher, which may have other options than the one that took it in an earlier run. */
  async #pass(record: Uint8Array): Promise<void> {
    try {
      await this.#back.enqueue(messageOf(record));
    } catch (cause) {
      // Not the message's fault: it stays on disk.
      if (!this.#back.isRunning()) throw cause;
      this.#refuse(toMillraceError(cause), record.length);
    }
  }

  #refuse(error: MillraceError, bytes: number): void {
    this.#lastUnfit = error;
    const count = ++this.#unfit;
    if (isWorthALine(count)) this.#logger?.warn({ err: error, count }, `publisher "${this.name}": messages refused`);
    try {
      this.#onError?.(error, { bytes });
    } catch (err) {
      this.#logger?.error({ err }, `publisher "${this.name}": its onError callback failed`);
    }
  }

  #told(): void {
    for (const resolve of this.#waitingForRelay) resolve();
    this.#waitingForRelay.clear();
  }
}
