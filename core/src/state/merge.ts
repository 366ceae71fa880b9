import type { StateSchema } from '../state-store.ts';

import { type Chunk, type ColumnValues, encodeChunk, unpackColumn } from './columns.ts';
import { localColumn } from './minute-rows.ts';
import type { Dictionaries } from './row-codec.ts';

/** One chunk with the rows of all, in their order. */
export function mergeChunks(chunks: readonly Chunk[], schema: StateSchema, dictionaries: Dictionaries): Buffer {
  const rows = chunks.reduce((sum, chunk) => sum + chunk.rows, 0);
  const count = 1 + schema.dimensions.length + schema.measures.length;
  const columns = Array.from({ length: count }, (_, at) => {
    const own = chunks.some((chunk) => chunk.columns[at]!.texts !== undefined);
    return own ? localColumn(textsOf(chunks, at, dictionaries[at - 1])) : numbersOf(chunks, at, rows);
  });
  return encodeChunk(rows, columns);
}

function numbersOf(chunks: readonly Chunk[], at: number, rows: number): ColumnValues {
  const numbers = new Int32Array(rows);
  let position = 0;
  for (const chunk of chunks) {
    unpackColumn(chunk.columns[at]!, chunk.rows, numbers, position);
    position += chunk.rows;
  }
  return { numbers };
}

function textsOf(chunks: readonly Chunk[], at: number, dictionary: Dictionaries[number]): string[] {
  const values: string[] = [];
  for (const chunk of chunks) {
    const column = chunk.columns[at]!;
    const numbers = new Int32Array(chunk.rows);
    unpackColumn(column, chunk.rows, numbers, 0);
    for (const number of numbers) values.push(textOf(number, column.texts, dictionary));
  }
  return values;
}

/** The text that a number of a dimension's column stands for. */
export function textOf(number: number, texts: readonly string[] | undefined, dictionary: Dictionaries[number]): string {
  if (texts !== undefined) return texts[number]!;
  return dictionary === undefined ? String(number) : dictionary.value(number);
}
