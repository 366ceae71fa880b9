import type { MillraceError } from '../errors.ts';
import type { Logger } from '../logging.ts';
import { FlushGroups } from './flush-groups.ts';
import { isWorthALine } from './hooks.ts';
import { Entry } from './outbox.ts';
import type { Settlement } from './sender.ts';
import type { Encoded } from './sink.ts';

export interface LedgerOptions {
  /** In log lines: `publisher "orders"`. */
  readonly who: string;
  readonly logger: Logger | undefined;
  /** Is told what becomes of messages that nobody waits for. */
  readonly onError: ((error: MillraceError, message: Encoded) => void) | undefined;
}

/**
 * Accounts for every message from its acceptance until it is settled, once, and tells its caller. At any moment
 * `offered` = `published` + `refused` + `dropped` + `queued`.
 */
export class Ledger implements Settlement {
  readonly #options: LedgerOptions;
  readonly #groups = new FlushGroups();
  offeredCount = 0;
  publishedCount = 0;
  refusedCount = 0;
  droppedCount = 0;
  /** Not settled. Counted by itself, so that a sum that is wrong shows. */
  queued = 0;
  queuedBytes = 0;
  /** Milliseconds. */
  lastPublish: number | undefined;
  lastError: MillraceError | undefined;
  /** Milliseconds of the process's own clock. */
  lastErrorAt = 0;

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  offered(encoded: Encoded, priority: number): Entry {
    this.offeredCount++;
    this.queued++;
    this.queuedBytes += encoded.bytes;
    return new Entry(encoded, priority, this.#groups.enter());
  }

  /** Resolves when all that have been offered until now are settled. */
  async settled(): Promise<void> {
    await this.#groups.settled();
  }

  published(entry: Entry): void {
    this.publishedCount++;
    this.lastPublish = Date.now();
    this.#settle(entry);
    entry.resolve?.();
  }

  refused(entry: Entry, error: MillraceError): void {
    this.refusedCount++;
    this.#log(this.refusedCount, 'refused', error);
    this.#settle(entry);
    this.#tell(entry, error);
  }

  dropped(entry: Entry, error: MillraceError): void {
    this.droppedCount++;
    this.#log(this.droppedCount, 'dropped', error);
    this.#settle(entry);
    this.#tell(entry, error);
  }

  buffered(entry: Entry): void {
    entry.resolve?.();
    entry.resolve = undefined;
    entry.reject = undefined;
  }

  /** It is kept elsewhere: as if it had not been offered. */
  forgotten(entry: Entry): void {
    this.offeredCount--;
    this.#settle(entry);
    entry.resolve?.();
  }

  #settle(entry: Entry): void {
    entry.settled = true;
    this.queued--;
    this.queuedBytes -= entry.encoded.bytes;
    this.#groups.leave(entry.group);
  }

  #tell(entry: Entry, error: MillraceError): void {
    this.lastError = error;
    this.lastErrorAt = performance.now();
    if (entry.reject !== undefined) {
      entry.reject(error);
      return;
    }
    const { who, logger, onError } = this.#options;
    try {
      onError?.(error, entry.encoded);
    } catch (err) {
      logger?.error({ err }, `${who}: its onError callback failed`);
    }
  }

  #log(count: number, what: string, error: MillraceError): void {
    if (!isWorthALine(count)) return;
    this.#options.logger?.warn({ err: error, count }, `${this.#options.who}: messages ${what}`);
  }
}
