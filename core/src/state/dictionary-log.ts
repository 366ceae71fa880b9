import { ByteReader, ByteWriter } from './bytes.ts';
import type { Dictionaries } from './row-codec.ts';

/** Entries that a commit adds to the dictionaries, as they are appended to the partition's key: dimension, text. */
export class DictionaryLog {
  readonly #dictionaries: Dictionaries;
  readonly #logged: number[];
  readonly #writer = new ByteWriter(256);

  /** All entries that `dictionaries` has now are stored already. */
  constructor(dictionaries: Dictionaries) {
    this.#dictionaries = dictionaries;
    this.#logged = dictionaries.map((dictionary) => dictionary?.size ?? 0);
  }

  /** The entries since the last call. */
  take(): Buffer {
    this.#writer.reset();
    this.#dictionaries.forEach((dictionary, dimension) => {
      if (dictionary === undefined) return;
      for (let id = this.#logged[dimension]!; id < dictionary.size; id++) {
        this.#writer.varint(dimension).text(dictionary.value(id));
      }
      this.#logged[dimension] = dictionary.size;
    });
    return this.#writer.copy();
  }
}

/** Reads entries in the order in which they were stored, which gives them their ids. */
export function readDictionaryLog(bytes: Buffer, found: (dimension: number, text: string) => void): void {
  const reader = new ByteReader(bytes);
  while (!reader.done) found(reader.varint(), reader.text());
}
