import type { StateEvent, StateSchema } from '@millrace/core';
import { encodeChunk, MinuteRows } from '@millrace/core/state';

import type { Bins, Records, RecordWrite } from '../records.ts';
import {
  BLOCK_BYTES,
  BYTES_BIN,
  type ChainPosition,
  nextPosition,
  OFFSET_BIN,
  PIECE_BYTES,
  SIZE_BIN,
  sizeOf,
} from './chain.ts';
import type { StateKeys } from './keys.ts';
import type { PendingWrite } from './pending-write.ts';

/** Length before each chunk. */
export const LENGTH_BYTES = 4;
/** About the size of a packed row without texts of its own. */
const ROW_BYTES = 24;

export interface MinuteStep {
  readonly records: Records;
  readonly keys: StateKeys;
  readonly schema: StateSchema;
  readonly partition: number;
  /** Where the commit begins: no record of an earlier commit has an offset above. */
  readonly from: number;
}

/** The rows that a commit brings to one minute of one partition, as chunks at the end of the minute's chain. */
export class MinuteWrite implements PendingWrite {
  readonly bins = [OFFSET_BIN, SIZE_BIN];
  readonly #step: MinuteStep;
  readonly #minute: number;
  readonly #events: StateEvent[] = [];
  readonly #numbers: number[][] = [];
  #position: ChainPosition;
  /** Events before this one are stored. */
  #done = 0;
  /** The next step: how many events it has and how many bytes. */
  #piece = { events: 0, bytes: 0 };
  #bound: number;

  constructor(step: MinuteStep, minute: number, end: ChainPosition) {
    this.#step = step;
    this.#minute = minute;
    // Also a full record: it refuses, and only so is seen what a commit has filled it with that never came to its end.
    this.#position = end;
    this.#bound = step.from;
  }

  /** Where the chain ends. */
  get position(): ChainPosition {
    return this.#position;
  }

  get minute(): number {
    return this.#minute;
  }

  /** `numbers` as for `encodeRow`; they are copied. */
  add(event: StateEvent, numbers: readonly number[]): void {
    this.#events.push(event);
    this.#numbers.push([...numbers]);
  }

  next(): RecordWrite {
    const { records, keys, partition } = this.#step;
    const { exp, operations: op } = records.driver;
    const chunk = this.#chunk();
    this.#piece = { ...this.#piece, bytes: chunk.length };
    const last = this.#events[this.#done + this.#piece.events - 1]!;
    const isNew = exp.or(exp.not(exp.binExists(OFFSET_BIN)), exp.le(exp.binInt(OFFSET_BIN), exp.int(this.#bound)));
    const hasRoom = exp.lt(exp.binInt(SIZE_BIN), exp.int(BLOCK_BYTES));
    return {
      key: keys.minute(partition, this.#minute, this.#position.block),
      operations: [op.append(BYTES_BIN, chunk), op.incr(SIZE_BIN, chunk.length), op.write(OFFSET_BIN, last.offset + 1)],
      policy: records.policy(exp.and(isNew, hasRoom), { mustExist: this.#position.size > 0 }),
    };
  }

  applied(): boolean {
    const { block, size } = this.#position;
    this.#done += this.#piece.events;
    const position = { block, size: size + this.#piece.bytes };
    if (this.#done === this.#events.length) {
      this.#position = position;
      return true;
    }
    this.#goTo(position);
    return false;
  }

  /** The record is full, or an attempt of ours or someone else was there: what it stored is cut off. */
  refused(stored: Bins | undefined): boolean {
    const reached = (stored?.[OFFSET_BIN] as number | undefined) ?? 0;
    const position = { block: this.#position.block, size: sizeOf(stored) };
    while (this.#done < this.#events.length && this.#events[this.#done]!.offset < reached) this.#done++;
    if (this.#done === this.#events.length) {
      this.#position = position;
      return true;
    }
    this.#goTo(position);
    return false;
  }

  #goTo(end: ChainPosition): void {
    // The next record may have what is known to be stored; with more than that it refuses, and is looked at.
    this.#bound = this.#events[this.#done]!.offset;
    this.#position = nextPosition(end);
  }

  /** As many of the events that are left as fit one step, behind their length. */
  #chunk(): Buffer {
    const { schema } = this.#step;
    const rows = new MinuteRows(schema.dimensions.length);
    let bytes = 0;
    let at = this.#done;
    for (; at < this.#events.length && bytes < PIECE_BYTES; at++) {
      const event = this.#events[at]!;
      const numbers = this.#numbers[at]!;
      rows.add(event, numbers);
      bytes += ROW_BYTES;
      for (let dimension = 0; dimension < numbers.length; dimension++) {
        if (!(numbers[dimension]! >= 0)) bytes += Buffer.byteLength(event.dimensions[dimension]!);
      }
    }
    this.#piece = { events: at - this.#done, bytes: 0 };
    const chunk = encodeChunk(rows.length, rows.columns(schema));
    const head = Buffer.allocUnsafe(LENGTH_BYTES);
    head.writeUInt32BE(chunk.length);
    return Buffer.concat([head, chunk]);
  }
}
