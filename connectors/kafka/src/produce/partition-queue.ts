import type { MillraceError } from '@millrace/core';

import type { WireRecord } from './lane.ts';

/**
 * One record on its way, and whom to tell. A class, and the very object that the driver gets: making another one of it
 * costs a tenth of sending it.
 */
export class PendingRecord implements WireRecord {
  readonly topic: string;
  readonly key: Buffer | undefined;
  readonly value: Buffer;
  readonly headers: Record<string, Buffer> | undefined;
  /** What it takes in memory and in a batch, about. */
  readonly bytes: number;
  partition = 0;
  /** When it came, by performance.now(). */
  since = 0;
  /** Within the call. */
  index = 0;
  call: WriteCall | undefined = undefined;

  constructor(topic: string, key: Buffer | undefined, value: Buffer, headers?: Record<string, Buffer>) {
    this.topic = topic;
    this.key = key;
    this.value = value;
    this.headers = headers;
    this.bytes = value.length + (key?.length ?? 0) + (headers === undefined ? 0 : bytesOf(headers)) + OVERHEAD_BYTES;
  }
}

/** Room for lengths, deltas and the batch that a record may be alone in. */
const OVERHEAD_BYTES = 100;

const bytesOf = (headers: Readonly<Record<string, Buffer>>): number =>
  Object.entries(headers).reduce((sum, [name, text]) => sum + name.length + text.length, 0);

/** Is told about each record of a call, once. */
export interface WriteCall {
  /** `offset` is NaN where the broker does not tell it (acks 0). */
  written(index: number, partition: number, offset: number): void;
  /** `inDoubt`: it may be in the topic nevertheless. */
  failed(index: number, error: MillraceError, inDoubt: boolean): void;
}

/** Records of one partition in their order. */
export class PartitionQueue {
  #records: PendingRecord[] = [];
  #head = 0;
  /** While its records are under way no other request may carry this partition: order would be lost. */
  isUnderWay = false;

  get length(): number {
    return this.#records.length - this.#head;
  }

  /** Of all its records. */
  get bytes(): number {
    let bytes = 0;
    for (let at = this.#head; at < this.#records.length; at++) bytes += this.#records[at]!.bytes;
    return bytes;
  }

  get first(): PendingRecord | undefined {
    return this.#records[this.#head];
  }

  push(record: PendingRecord): void {
    this.#records.push(record);
  }

  /** Moves the first records to `batch`: at least one, and up to so many bytes. @returns their bytes */
  take(batch: PendingRecord[], maxBytes: number): number {
    let bytes = 0;
    while (this.#head < this.#records.length) {
      const record = this.#records[this.#head]!;
      if (bytes > 0 && bytes + record.bytes > maxBytes) break;
      bytes += record.bytes;
      batch.push(record);
      this.#head++;
    }
    if (this.#head === this.#records.length) {
      this.#records = [];
      this.#head = 0;
    } else if (this.#head > 1000 && this.#head > this.#records.length / 2) {
      this.#records = this.#records.slice(this.#head);
      this.#head = 0;
    }
    return bytes;
  }

  /** Puts records back to where they were taken from. */
  putBack(records: readonly PendingRecord[]): void {
    this.#records = [...records, ...this.#records.slice(this.#head)];
    this.#head = 0;
  }

  /** Removes and returns what has waited for longer. */
  expire(before: number): PendingRecord[] {
    const expired: PendingRecord[] = [];
    while (this.first !== undefined && this.first.since < before) this.take(expired, 0);
    return expired;
  }
}
