import { randomBytes } from 'node:crypto';

import { MillraceError, type Offset, type StateSchema } from '@millrace/core';
import {
  type Dictionaries,
  DictionaryLog,
  newDictionaries,
  type Newest,
  readDictionaryLog,
} from '@millrace/core/state';

import type { BoundedLink } from '../bounded-link.ts';
import type { StateKeys } from './keys.ts';
import { TAKE } from './scripts.ts';

/** How far a partition is applied, and what the event clock needs of it. */
export interface PartitionStatus {
  readonly committed: Offset | undefined;
  readonly newest: Newest | undefined;
  readonly clock: number | undefined;
}

/** A partition as its owner knows it: nobody else writes it, so this is what Redis has. */
export interface OwnedPartition extends PartitionStatus {
  /** Proves the ownership to the scripts: new with every take-over. */
  readonly token: string;
  readonly dictionaries: Dictionaries;
  readonly dictionaryLog: DictionaryLog;
  committed: Offset | undefined;
}

interface TakeOptions {
  readonly link: BoundedLink;
  readonly keys: StateKeys;
  readonly schema: StateSchema;
  readonly dictionaryLimit: number | undefined;
}

/** Takes partitions over. */
export class Takeover {
  readonly #options: TakeOptions;

  constructor(options: TakeOptions) {
    this.#options = options;
  }

  /** Makes this writer the owner, whoever was it before. */
  take(partition: number): Promise<OwnedPartition> {
    return this.#take(partition, '', 'any');
  }

  /** Reads the partition again, if the token still is the owner's. @throws STALE_OWNER */
  takeAgain(partition: number, token: string): Promise<OwnedPartition> {
    return this.#take(partition, token, 'mine');
  }

  async #take(partition: number, current: string, whose: 'any' | 'mine'): Promise<OwnedPartition> {
    const { link, keys, schema, dictionaryLimit } = this.#options;
    const token = randomBytes(12).toString('base64url');
    const names = [keys.owner(partition), keys.status(partition), keys.dictionary(partition)];
    const [owner, committed, time, appendedAt, clock, entries] = (await link.run((client) =>
      TAKE.runBuffer(client, names, [current, token, whose]),
    )) as [Buffer, Buffer, Buffer, Buffer, Buffer, Buffer];
    if (owner.toString() !== token) throw staleOwner(partition);
    const dictionaries = newDictionaries(schema, dictionaryLimit);
    readDictionaryLog(entries, (dimension, text) => dictionaries[dimension]?.intern(text));
    return {
      token,
      dictionaries,
      dictionaryLog: new DictionaryLog(dictionaries),
      ...readStatus(String(committed), String(time), String(appendedAt), String(clock)),
    };
  }
}

/** The fields of a partition's status, as texts; empty where there is none. */
export function readStatus(committed: string, time: string, appendedAt: string, clock: string): PartitionStatus {
  return {
    committed: numberOf(committed),
    newest: time === '' ? undefined : { time: Number(time), appendedAt: Number(appendedAt) },
    clock: numberOf(clock),
  };
}

const numberOf = (text: string): number | undefined => (text === '' ? undefined : Number(text));

export const staleOwner = (partition: number): MillraceError =>
  new MillraceError(
    'STALE_OWNER',
    `another writer has taken over partition ${partition} of the state: stop, or ask for its committed offset to own it again`,
    { field: 'partition', value: partition },
  );
