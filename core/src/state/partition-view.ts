import type { StateSchema } from '../state-store.ts';

import { type Chunk, unpackColumn } from './columns.ts';
import { newDictionaries } from './dictionary.ts';
import type { Dictionaries } from './row-codec.ts';

import { readDictionaryLog } from './dictionary-log.ts';
import type { MinuteTable } from './minute-table.ts';

/**
 * What a reader knows of one partition: its dictionaries, and which ids of the reader stand for the same texts. Partitions
 * number their values on their own; the reader's ids mean the same everywhere, so all can be scanned as one.
 */
export class PartitionView {
  readonly #schema: StateSchema;
  readonly #shared: Dictionaries;
  #own: Dictionaries;
  #ids: number[][];
  /** Bytes of the stored dictionary that are loaded. */
  loaded = 0;
  /** Token of the owner when it was loaded; empty before. */
  owner = '';

  constructor(schema: StateSchema, shared: Dictionaries) {
    this.#schema = schema;
    this.#shared = shared;
    this.#own = newDictionaries(schema, Infinity);
    this.#ids = schema.dimensions.map(() => []);
  }

  get dictionaries(): Dictionaries {
    return this.#own;
  }

  /** Forgets all: under another owner the same ids and bytes may mean something else, if Redis has lost writes. */
  reset(): void {
    this.#own = newDictionaries(this.#schema, Infinity);
    this.#ids = this.#schema.dimensions.map(() => []);
    this.loaded = 0;
    this.owner = '';
  }

  /** Takes over more of the stored dictionary, which begins at `from`; what is loaded already is passed over. */
  load(from: number, entries: Buffer): void {
    const fresh = entries.subarray(this.loaded - from);
    readDictionaryLog(fresh, (dimension, text) => {
      const own = this.#own[dimension];
      const shared = this.#shared[dimension];
      if (own === undefined || shared === undefined) return;
      this.#ids[dimension]![own.intern(text)] = shared.intern(text);
    });
    this.loaded += fresh.length;
  }

  /** Adds a chunk's rows to the table, with the reader's ids. */
  append(table: MinuteTable, chunk: Chunk): void {
    const values = new Int32Array(chunk.rows);
    chunk.columns.forEach((column, at) => {
      unpackColumn(column, chunk.rows, values, 0);
      const shared = this.#shared[at - 1];
      const target = table.columns[at]!;
      if (shared === undefined) {
        target.append(table.rows, values, column.texts);
        return;
      }
      const ids = column.texts === undefined ? this.#ids[at - 1]! : column.texts.map((text) => shared.intern(text));
      for (let row = 0; row < values.length; row++) values[row] = ids[values[row]!]!;
      target.append(table.rows, values, undefined);
    });
    table.rows += chunk.rows;
  }
}
