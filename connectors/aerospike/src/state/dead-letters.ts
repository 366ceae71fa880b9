import type { DeadLetter, DeadLetterQuery, NewDeadLetter } from '@millrace/core';
import {
  type DeadLetterPlace,
  decodeDeadLetter,
  encodeDeadLetter,
  parseDeadLetterId,
  placeAfter,
} from '@millrace/core/state';

import type { Bins, Key, Records, RecordWrite } from '../records.ts';
import type { StateKeys } from './keys.ts';
import { readStatuses } from './status.ts';

/**
 * Offsets that a block of the index spans, and blocks that a section spans: so a record has 16,384 entries at most, and
 * the status one section for 268 million offsets.
 */
const INDEX_SPAN = 16_384;
const LETTER_BIN = 'v';
const INDEX_BIN = 'm';

const blockOf = (offset: number): number => Math.floor(offset / INDEX_SPAN);
const sectionOf = (block: number): number => Math.floor(block / INDEX_SPAN);
export const letterSection = (offset: number): number => sectionOf(blockOf(offset));

/** Dead letters: a record for each, an index of their offsets, block by block, and of the blocks, section by section. */
export class DeadLetters {
  readonly #records: Records;
  readonly #keys: StateKeys;
  readonly #partitions: number;

  constructor(records: Records, keys: StateKeys, partitions: number) {
    this.#records = records;
    this.#keys = keys;
    this.#partitions = partitions;
  }

  /** Writes that keep the dead letters of a partition, and may be repeated. */
  additions(partition: number, letters: readonly NewDeadLetter[]): RecordWrite[] {
    const { operations: op, maps } = this.#records.driver;
    const policy = this.#records.policy();
    const entries = (key: Key, numbers: readonly number[]): RecordWrite => ({
      key,
      operations: [maps.putItems(INDEX_BIN, Object.fromEntries(numbers.map((number) => [String(number), 1])))],
      policy,
    });
    const offsets = letters.map(({ offset }) => offset);
    // One write for each record of the index: with one for each letter a flood of them would never be done in time.
    const blocks = [...Map.groupBy(offsets, blockOf)];
    const sections = [
      ...Map.groupBy(
        blocks.map(([block]) => block),
        sectionOf,
      ),
    ];
    return [
      ...letters.map((letter) => ({
        key: this.#keys.letter(partition, letter.offset),
        operations: [op.write(LETTER_BIN, encodeDeadLetter(letter))],
        policy,
      })),
      ...blocks.map(([block, inIt]) => entries(this.#keys.letterBlock(partition, block), inIt)),
      ...sections.map(([section, inIt]) => entries(this.#keys.letterSection(partition, section), inIt)),
    ];
  }

  /** Removes dead letters that have been dealt with; ids of none are passed over. */
  async remove(ids: readonly string[]): Promise<void> {
    const places = ids.flatMap((id) => this.#place(id) ?? []);
    if (places.length === 0) return;
    const { maps, exp } = this.#records.driver;
    await this.#records.remove(places.map(({ partition, offset }) => this.#keys.letter(partition, offset)));
    const policy = this.#records.policy(exp.binExists(INDEX_BIN), { mustExist: true });
    const blocks = [...Map.groupBy(places, ({ partition, offset }) => `${partition} ${blockOf(offset)}`).values()];
    await this.#records.write(
      blocks.map((inIt) => ({
        key: this.#keys.letterBlock(inIt[0]!.partition, blockOf(inIt[0]!.offset)),
        operations: [
          maps.removeByKeyList(
            INDEX_BIN,
            inIt.map(({ offset }) => String(offset)),
          ),
        ],
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
    const sections = statuses.flatMap(({ letterSections }, partition) =>
      letterSections.sorted().map((number): Indexed => ({ partition, number })),
    );
    const blocks = await this.#entries(sections, this.#keys.letterSection);
    const offsets = await this.#entries(blocks, this.#keys.letterBlock);
    return offsets.map(({ partition, number }) => ({ partition, offset: number }));
  }

  /** What the records of the index have, in order. */
  async #entries(places: readonly Indexed[], keyOf: (partition: number, number: number) => Key): Promise<Indexed[]> {
    if (places.length === 0) return [];
    const found = await this.#records.read(places.map(({ partition, number }) => keyOf(partition, number)));
    return places.flatMap(({ partition }, at) =>
      numbersOf(found[at])
        .toSorted((a, b) => a - b)
        .map((number) => ({ partition, number })),
    );
  }

  #place(id: string): DeadLetterPlace | undefined {
    const place = parseDeadLetterId(id);
    return place === undefined || place.partition >= this.#partitions ? undefined : place;
  }
}

/** A record of the index, or an entry of one. */
interface Indexed {
  readonly partition: number;
  readonly number: number;
}

function numbersOf(bins: Bins | undefined): number[] {
  const index = bins?.[INDEX_BIN];
  if (index instanceof Map) return [...index.keys()].map(Number);
  return index === undefined || index === null ? [] : Object.keys(index as object).map(Number);
}
