import { toMillraceError, type LogAppender, type Logger, type MillraceError, type NewRecord } from '@millrace/core';
import { encodeTag } from '../codec.ts';
import { toRequestError } from './errors.ts';
import { idempotencyKey } from './idempotency.ts';
import type { FrontendMetrics } from './metrics.ts';
import { parseTag } from './tag-parser.ts';

/** Six texts of 4 KiB fit into it, even escaped in parts. */
export const MAX_TAG_BYTES = 64 * 1024;

export interface TagIntakeDependencies {
  readonly log: LogAppender;
  readonly metrics: FrontendMetrics;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly logger: Logger;
}

/** From the bytes of a tag to a durable record: what every way of sending a single tag shares. Counts what it does. */
export class TagIntake {
  readonly #dependencies: TagIntakeDependencies;
  readonly #maxFutureMs: number;

  constructor(dependencies: TagIntakeDependencies, maxFutureMs: number) {
    this.#dependencies = dependencies;
    this.#maxFutureMs = maxFutureMs;
  }

  /** @throws INVALID_JSON, INVALID_TAG, TIME_IN_FUTURE, INVALID_ARGUMENT (the key) */
  toRecord(bytes: Buffer, from: number, to: number, key: string | string[] | undefined): NewRecord {
    const tag = parseTag(bytes, from, to, this.#dependencies.now() + this.#maxFutureMs);
    return encodeTag(tag, idempotencyKey(key));
  }

  /** Calls `done` once: when the record is durable, or with the counted reason why it is not known to be. */
  store(record: NewRecord, startedMs: number, done: (failure?: MillraceError) => void): void {
    const { log, metrics } = this.#dependencies;
    const stored = (): void => {
      metrics.accepted++;
      metrics.tags.record(startedMs);
      done();
    };
    const failed = (cause: unknown): void => done(this.refused(toMillraceError(cause, 'LOG_FAILED')));
    log.append([record]).then(stored, failed);
  }

  /** The error to answer with. */
  refused(cause: unknown): MillraceError {
    const error = toRequestError(cause);
    if (error.code === 'INTERNAL') this.#dependencies.logger.error({ err: cause }, error.message);
    this.#dependencies.metrics.rejected(error);
    return error;
  }
}
