import type { Offset, StateSchema } from '@millrace/core';
import { type Dictionaries, newDictionaries } from '@millrace/core/state';

import type { Records } from '../records.ts';
import { DictionaryChain } from './dictionary-chain.ts';
import type { StateKeys } from './keys.ts';
import type { MinuteIndex } from './minute-index.ts';
import type { NumberSet } from './number-set.ts';
import { MinutePositions, type RecentMinutes } from './recent-minutes.ts';
import { ownerError, type PartitionStatus, readStatus, takeOver } from './status.ts';

/** A partition as its owner knows it: nobody else commits to it, so this is what Aerospike has. */
export interface OwnedPartition {
  /** Proves the ownership: it counts the take-overs. */
  readonly epoch: number;
  committed: Offset | undefined;
  readonly dictionaries: Dictionaries;
  readonly dictionaryChain: DictionaryChain;
  readonly positions: MinutePositions;
  readonly recent: RecentMinutes;
  readonly minutes: MinuteIndex;
  readonly letterSections: NumberSet;
}

interface TakeOptions {
  readonly records: Records;
  readonly keys: StateKeys;
  readonly schema: StateSchema;
  readonly dictionaryLimit: number | undefined;
}

/** Makes this writer the owner, whoever was it before. */
export async function take(options: TakeOptions, partition: number): Promise<OwnedPartition> {
  return load(options, partition, await takeOver(options.records, options.keys, partition));
}

/** Reads the partition again, if this writer still is its owner. @throws STALE_OWNER, COMMIT_GAP */
export async function takeAgain(options: TakeOptions, partition: number, epoch: number): Promise<OwnedPartition> {
  const [bins] = await options.records.read([options.keys.status(partition)]);
  const status = readStatus(bins);
  const error = ownerError(partition, epoch, status);
  if (error !== undefined) throw error;
  return load(options, partition, status);
}

async function load(options: TakeOptions, partition: number, status: PartitionStatus): Promise<OwnedPartition> {
  const { records, keys, schema, dictionaryLimit } = options;
  const dictionaries = newDictionaries(schema, dictionaryLimit);
  const place = { records, keys, partition };
  const positions = new MinutePositions();
  const { epoch, committed, recent, minutes, letterSections } = status;
  for (const minute of minutes.sorted()) {
    const end = recent.get(minute);
    if (end !== undefined) positions.set(minute, end);
  }
  return {
    epoch,
    committed,
    dictionaries,
    dictionaryChain: await DictionaryChain.load(place, epoch, dictionaries),
    positions,
    recent,
    minutes,
    letterSections,
  };
}
