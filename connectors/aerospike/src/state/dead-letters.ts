import type { DeadLetter, DeadLetterQuery, NewDeadLetter } from '@millrace/core';
import {
  type DeadLetterPlace,
  decodeDeadLetter,
  encodeDeadLetter,
  parseDeadLetterId,
  placeAfter,
} from '@millrace/core/state';

import type { Bins, Records, RecordWrite } from '../records.ts';
import type { StateKeys } from './keys.ts';
import { readStatuses } from './status.ts';

/** Offsets that one record of the index spans: so it has 16,384 entries at most. */
const INDEX_SPAN = 16_384;
const LETTER_BIN = 'v';
const INDEX_BIN = 'm';

export const letterBlock = (offset: number): number => Math.floor(offset / INDEX_SPAN);

/** Dead letters: a record for each, and an index of their offsets, block by block. */
export class DeadLetters {
  readonly #records: Records;
  readonly #keys: StateKeys;
  readonly #partitions: number;

  constructor(records: Records, keys: StateKeys, partitions: number) {
    this.#records = records;
    this.#keys = keys;
    this.#partitions = partitions;
  }

  /** Writes that keep a dead letter, and may be repeated. */
  additions(partition: number, letter: NewDeadLetter): RecordWrite[] {
    const { operations: op, maps } = this.#records.driver;
    const policy = this.#records.policy();
    const { offset } = letter;
    return [
      {
        key: this.#keys.letter(partition, offset),
        operations: [op.write(LETTER_BIN, encodeDeadLetter(letter))],
        policy,
      },
      {
        key: this.#keys.letterIndex(partition, letterBlock(offset)),
        operations: [maps.put(INDEX_BIN, String(offset), 1)],
        policy,
      },
    ];
  }

  /** Removes dead letters that have been dealt with; ids of none are passed over. */
  async remove(ids: readonly string[]): Promise<void> {
    const places = ids.flatMap((id) => this.#place(id) ?? []);
    if (places.length === 0) return;
    const { maps, exp } = this.#records.driver;
    await this.#records.remove(places.map(({ partition, offset }) => this.#keys.letter(partition, offset)));
    const known = await this.#records.read(
      places.map(({ partition, offset }) => this.#keys.letterIndex(partition, letterBlock(offset))),
      [INDEX_BIN],
    );
    const policy = this.#records.policy(exp.binExists(INDEX_BIN));
    await this.#records.write(
      places
        .filter((_, at) => known[at]?.[INDEX_BIN] !== undefined)
        .map(({ partition, offset }) => ({
          key: this.#keys.letterIndex(partition, letterBlock(offset)),
          operations: [maps.removeByKey(INDEX_BIN, String(offset))],
          policy,
        })),
    );
  }

  async list({ after, limit }: DeadLetterQuery): Promise<DeadLetter[]> {
    const start = placeAfter(after);
    const places = (await this.#places()).filter(
      ({ partition, offset }) =>
        start === undefined || partition > start.partition || (partition === start.partition && offset > start.offset),
    );
    return this.#read(places.slice(0, Math.max(0, limit)));
  }

  async find(id: string): Promise<DeadLetter | undefined> {
    const place = this.#place(id);
    if (place === undefined) return undefined;
    const [found] = await this.#read([place]);
    return found;
  }

  async count(): Promise<number> {
    return (await this.#places()).length;
  }

  async #read(places: readonly DeadLetterPlace[]): Promise<DeadLetter[]> {
    if (places.length === 0) return [];
    const found = await this.#records.read(places.map(({ partition, offset }) => this.#keys.letter(partition, offset)));
    return places.flatMap((place, at) => {
      const bytes = found[at]?.[LETTER_BIN] as Buffer | undefined;
      return bytes === undefined ? [] : [decodeDeadLetter(place, bytes)];
    });
  }

  /** Of all dead letters, in their order. */
  async #places(): Promise<DeadLetterPlace[]> {
    const statuses = await readStatuses(this.#records, this.#keys, this.#partitions, ['x']);
    const blocks = statuses.flatMap(({ letterBlocks }, partition) =>
      letterBlocks.sorted().map((block) => ({ partition, block })),
    );
    if (blocks.length === 0) return [];
    const found = await this.#records.read(
      blocks.map(({ partition, block }) => this.#keys.letterIndex(partition, block)),
    );
    return blocks.flatMap(({ partition }, at) =>
      offsetsOf(found[at])
        .toSorted((a, b) => a - b)
        .map((offset) => ({ partition, offset })),
    );
  }

  #place(id: string): DeadLetterPlace | undefined {
    const place = parseDeadLetterId(id);
    return place === undefined || place.partition >= this.#partitions ? undefined : place;
  }
}

function offsetsOf(bins: Bins | undefined): number[] {
  const index = bins?.[INDEX_BIN];
  if (index instanceof Map) return [...index.keys()].map(Number);
  return index === undefined || index === null ? [] : Object.keys(index as object).map(Number);
}
