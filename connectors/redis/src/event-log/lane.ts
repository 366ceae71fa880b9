import { type MillraceError, type NewRecord, toMillraceError } from '@millrace/core';
import type { AppendCall } from './append-call.ts';
import { inDoubt, notSent } from './errors.ts';
import { FrameBuilder } from './frame.ts';

/** Sends one frame until Redis has it, and answers the offset behind its last record. */
export type SendFrame = (sequence: number, frame: Buffer, records: number) => Promise<number>;

export interface LaneOptions {
  readonly partition: number;
  readonly send: SendFrame;
  /** Calls back soon: in the same turn for all lanes, so that Redis syncs their frames to its disk at once. */
  readonly schedule: (flush: () => void) => void;
  /** Is told of bytes that wait (positive) or have left (negative). */
  readonly onBytes: (change: number) => void;
}

interface Waiting {
  readonly frame: FrameBuilder;
  readonly calls: AppendCall[];
  readonly indexes: number[];
  /** By `performance.now()`, of the first record. */
  since: number;
}

/**
 * The appends of one partition: all that wait go together, in order, one frame under way at a time. So the last sequence
 * is all that Redis has to remember.
 */
export class Lane {
  readonly #options: LaneOptions;
  readonly #waiting: Waiting[] = [];
  /** Taken apart when used up, for the next ones: their buffers are reused. */
  #spare: Waiting | undefined;
  #underWay: Waiting | undefined;
  #sequence = 0;
  #scheduled = false;
  #idle: (() => void) | undefined;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  add(record: NewRecord, call: AppendCall, index: number): void {
    let last = this.#waiting.at(-1);
    if (last === undefined || last.frame.isFull(record)) {
      last = this.#spare ?? { frame: new FrameBuilder(), calls: [], indexes: [], since: 0 };
      this.#spare = undefined;
      last.since = performance.now();
      this.#waiting.push(last);
    }
    const before = last.frame.bytes;
    last.frame.add(record);
    last.calls.push(call);
    last.indexes.push(index);
    this.#options.onBytes(last.frame.bytes - before);
    this.#schedule();
  }

  /** Rejects what was appended before this moment: what is under way is in doubt, the rest was not sent. */
  expire(before: number, timeoutMs: number): void {
    const underWay = this.#underWay;
    if (underWay !== undefined && underWay.since < before) this.#fail(underWay, inDoubt(timeoutMs));
    while (this.#waiting.length > 0 && this.#waiting[0]!.since < before) {
      const expired = this.#waiting.shift()!;
      this.#fail(expired, notSent(timeoutMs));
      this.#recycle(expired);
    }
    this.#idle?.();
  }

  /** Resolves when all calls have settled. */
  async drained(): Promise<void> {
    while ((this.#underWay?.calls.length ?? 0) > 0 || this.#waiting.length > 0) {
      await new Promise<void>((resolve) => (this.#idle = resolve));
    }
  }

  #schedule(): void {
    if (this.#scheduled || this.#underWay !== undefined || this.#waiting.length === 0) return;
    this.#scheduled = true;
    this.#options.schedule(this.#flush);
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    const next = this.#waiting.shift();
    // Expired meanwhile.
    if (next === undefined) return;
    this.#underWay = next;
    void this.#send(next);
  };

  async #send(waiting: Waiting): Promise<void> {
    const { partition, send } = this.#options;
    const { frame, calls, indexes } = waiting;
    const { records } = frame;
    try {
      const to = await send(++this.#sequence, frame.finish(Date.now()), records);
      // Empty when the calls have expired meanwhile.
      for (let i = 0; i < calls.length; i++) {
        calls[i]!.written(indexes[i]!, { partition, offset: to - records + i });
      }
    } catch (error) {
      for (const call of calls) call.failed(toMillraceError(error, 'LOG_FAILED'));
    }
    this.#recycle(waiting);
    this.#underWay = undefined;
    // One that is full has nothing to wait for.
    if (this.#waiting.length > 1) this.#flush();
    else this.#schedule();
    this.#idle?.();
  }

  #fail(waiting: Waiting, error: MillraceError): void {
    for (const call of waiting.calls) call.failed(error);
    waiting.calls.length = 0;
  }

  #recycle(waiting: Waiting): void {
    this.#options.onBytes(-waiting.frame.bytes);
    waiting.frame.clear();
    waiting.calls.length = 0;
    waiting.indexes.length = 0;
    this.#spare = waiting;
  }
}
