import { MillraceError } from '../errors.ts';
import type { DimensionSchema, StateSchema } from '../state-store.ts';

import { ByteReader, type ByteWriter } from './bytes.ts';
import type { Dictionary } from './dictionary.ts';

/** Dictionary per dimension; undefined for unbounded ones. */
export type Dictionaries = readonly (Dictionary | undefined)[];

/** First varint of a dimension whose text follows. A number n stands as n + 1. */
const INLINE = 0;

/**
 * Writes a timeline entry: per dimension a varint (dictionary id, or the zigzag form of an int32) or the text itself,
 * then the measures.
 *
 * @param numbers per dimension the dictionary id (-1: none), or for an unbounded one the int32 (NaN: not one)
 */
export function encodeRow(
  writer: ByteWriter,
  schema: StateSchema,
  numbers: ArrayLike<number>,
  texts: readonly string[],
  measures: readonly number[],
): void {
  const { dimensions } = schema;
  for (let at = 0; at < dimensions.length; at++) {
    const number = numbers[at]!;
    if (dimensions[at]!.values === 'bounded') {
      if (number >= 0) writer.varint(number + 1);
      else writer.varint(INLINE).text(texts[at]!);
    } else if (number === number) {
      writer.varint((((number << 1) ^ (number >> 31)) >>> 0) + 1);
    } else {
      writer.varint(INLINE).text(texts[at]!);
    }
  }
  for (let at = 0; at < measures.length; at++) writer.zigzag(measures[at]!);
}

export interface Row {
  readonly dimensions: string[];
  readonly measures: number[];
}

/** Undefined when the row names a dictionary entry that is not loaded yet. */
export function decodeRow(value: Buffer, schema: StateSchema, dictionaries: Dictionaries): Row | undefined {
  const reader = new ByteReader(value);
  const dimensions: string[] = [];
  for (let at = 0; at < schema.dimensions.length; at++) {
    const number = reader.varint();
    const dictionary = dictionaries[at];
    if (number === INLINE) {
      dimensions.push(reader.text());
    } else if (dictionary === undefined) {
      dimensions.push(String(unzigzag(number - 1)));
    } else {
      if (number > dictionary.size) return undefined;
      dimensions.push(dictionary.value(number - 1));
    }
  }
  const measures = schema.measures.map(() => reader.zigzag());
  if (!reader.done) throw new MillraceError('STATE_CORRUPT', 'a timeline entry is longer than its schema');
  return { dimensions, measures };
}

const unzigzag = (value: number): number => (value >>> 1) ^ -(value & 1);

export const isBounded = (dimension: DimensionSchema): boolean => dimension.values === 'bounded';
