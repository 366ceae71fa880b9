import type { NewDeadLetter, StateEvent, StateSchema } from '@millrace/core';
import {
  canonicalInt32,
  type Dictionaries,
  encodeChunk,
  encodeDeadLetter,
  type EventEncoder,
  MINUTE_MS,
  MinuteRows,
} from '@millrace/core/state';

import { deadLetterEntry } from './keys.ts';
import { PackedRows } from './packed-rows.ts';

/** What one commit adds to one partition, gathered event by event and then sent in one call of the script. */
export class CommitCall {
  readonly #schema: StateSchema;
  readonly #rows: PackedRows;
  readonly #minutes = new Map<number, MinuteRows>();
  readonly #numbers: number[];
  readonly seen: (string | number)[] = [];
  readonly letters: (string | Buffer)[] = [];
  readonly resolved: string[] = [];
  late = 0;
  duplicates = 0;

  /** @param timelines first part of the timelines' keys */
  constructor(schema: StateSchema, timelines: string) {
    this.#schema = schema;
    this.#rows = new PackedRows(timelines);
    this.#numbers = schema.dimensions.map(() => 0);
  }

  addEvent(event: StateEvent, dictionaries: Dictionaries, oldestMinute: number, encoder: EventEncoder): void {
    const numbers = this.#numbers;
    for (let at = 0; at < numbers.length; at++) {
      const text = event.dimensions[at]!;
      numbers[at] = dictionaries[at]?.intern(text) ?? canonicalInt32(text);
    }
    this.#rows.add(event.key, encoder.encode(event, numbers));
    const minute = Math.floor(event.time / MINUTE_MS);
    if (minute < oldestMinute) {
      this.late++;
      return;
    }
    let rows = this.#minutes.get(minute);
    if (rows === undefined) this.#minutes.set(minute, (rows = new MinuteRows(numbers.length)));
    rows.add(event, numbers);
  }

  addDeadLetter(letter: NewDeadLetter): void {
    this.letters.push(deadLetterEntry(letter.offset), encodeDeadLetter(letter));
  }

  get timelines(): Buffer {
    return this.#rows.bytes();
  }

  /** Minute and bytes in turn; the bytes are a chunk behind its length. */
  chunks(): (number | Buffer)[] {
    const chunks: (number | Buffer)[] = [];
    for (const [minute, rows] of this.#minutes) {
      const chunk = encodeChunk(rows.length, rows.columns(this.#schema));
      const head = Buffer.allocUnsafe(4);
      head.writeUInt32BE(chunk.length);
      chunks.push(minute, Buffer.concat([head, chunk]));
    }
    return chunks;
  }
}
