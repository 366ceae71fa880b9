import { ByteReader, type Dictionaries, DictionaryLog, readDictionaryLog } from '@millrace/core/state';

import type { Records } from '../records.ts';
import {
  BLOCK_BYTES,
  BYTES_BIN,
  CHAIN_START,
  type ChainPosition,
  nextPosition,
  PIECE_BYTES,
  SIZE_BIN,
} from './chain.ts';
import type { StateKeys } from './keys.ts';

/** Entries behind the record's last one, from the beginning of the chain. */
const ENTRIES_BIN = 'n';
const EPOCH_BIN = 'e';

interface Place {
  readonly records: Records;
  readonly keys: StateKeys;
  readonly partition: number;
}

/**
 * The stored dictionary of one partition: its entries in the order of their ids. A row may name an entry only once it is
 * stored, whoever stored it, so entries go before the rows, and two writers cannot give one id to two texts.
 */
export class DictionaryChain {
  readonly #place: Place;
  readonly #epoch: number;
  readonly #log: DictionaryLog;
  #position: ChainPosition;
  entries: number;

  private constructor(
    place: Place,
    epoch: number,
    dictionaries: Dictionaries,
    end: { position: ChainPosition; entries: number },
  ) {
    this.#place = place;
    this.#epoch = epoch;
    this.#log = new DictionaryLog(dictionaries);
    this.#position = end.position;
    this.entries = end.entries;
  }

  /** Loads what is stored into the dictionaries, for a new owner. */
  static async load(place: Place, epoch: number, dictionaries: Dictionaries): Promise<DictionaryChain> {
    let position = CHAIN_START;
    let entries = 0;
    for await (const { block, bytes } of readChain(place)) {
      position = { block, size: bytes.length };
      readDictionaryLog(bytes, (dimension, text) => {
        dictionaries[dimension]?.intern(text);
        entries++;
      });
    }
    return new DictionaryChain(place, epoch, dictionaries, { position, entries });
  }

  /**
   * Stores what the dictionaries have taken in since the last call.
   *
   * @returns false when another writer has stored entries meanwhile: then the partition has to be read again
   */
  async store(): Promise<boolean> {
    const fresh = this.#log.take();
    for (const piece of pieces(fresh)) {
      if (!(await this.#append(piece.bytes, piece.entries))) return false;
    }
    return true;
  }

  async #append(bytes: Buffer, count: number): Promise<boolean> {
    const { records, keys, partition } = this.#place;
    const { exp, operations: op } = records.driver;
    const position = nextPosition(this.#position);
    const after = this.entries + count;
    const key = keys.dictionary(partition, position.block);
    const operations = [
      op.append(BYTES_BIN, bytes),
      op.incr(SIZE_BIN, bytes.length),
      op.write(ENTRIES_BIN, after),
      op.write(EPOCH_BIN, this.#epoch),
    ];
    const isNext = exp.or(exp.not(exp.binExists(ENTRIES_BIN)), exp.eq(exp.binInt(ENTRIES_BIN), exp.int(this.entries)));
    const policy = records.policy(isNext, { mustExist: position.size > 0 });
    const [applied] = await records.write([{ key, operations, policy }]);
    if (applied !== true) {
      const [stored] = await records.read([key], [ENTRIES_BIN, EPOCH_BIN]);
      // An earlier attempt whose answer was lost, or another writer.
      if (stored?.[ENTRIES_BIN] !== after || stored[EPOCH_BIN] !== this.#epoch) return false;
    }
    this.entries = after;
    this.#position = { block: position.block, size: position.size + bytes.length };
    return true;
  }
}

/** The records of the stored dictionary, from this one on. */
export async function* readChain(
  { records, keys, partition }: Place,
  from = 0,
): AsyncGenerator<{ readonly block: number; readonly bytes: Buffer }> {
  for (let block = from; ; block++) {
    const [stored] = await records.read([keys.dictionary(partition, block)], [BYTES_BIN]);
    const bytes = stored?.[BYTES_BIN] as Buffer | undefined;
    if (bytes === undefined) return;
    yield { block, bytes };
    if (bytes.length < BLOCK_BYTES) return;
  }
}

function* pieces(bytes: Buffer): Generator<{ readonly bytes: Buffer; readonly entries: number }> {
  const reader = new ByteReader(bytes);
  let start = 0;
  let entries = 0;
  while (!reader.done) {
    reader.varint();
    reader.skip(reader.varint());
    entries++;
    if (!reader.done && reader.position - start < PIECE_BYTES) continue;
    yield { bytes: bytes.subarray(start, reader.position), entries };
    start = reader.position;
    entries = 0;
  }
}
