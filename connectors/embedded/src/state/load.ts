import type { StateSchema } from '@millrace/core';
import type { Dictionaries } from '@millrace/core/state';

import type { Level } from './database.ts';
import { dictionaryId, dictionaryRange, partitionKey, STATUS_KEY } from './keys.ts';
import { decodePartition, decodeStatus, emptyStatus, type PartitionStatus, type Status } from './status.ts';

type Snapshot = ReturnType<Level['snapshot']>;

/** Reads what the dictionaries do not have yet. */
export async function loadDictionaries(level: Level, dictionaries: Dictionaries): Promise<void> {
  for (const [dimension, dictionary] of dictionaries.entries()) {
    if (dictionary === undefined) continue;
    for await (const [key, value] of level.iterator(dictionaryRange(dimension, dictionary.size))) {
      dictionary.load(dictionaryId(key), value.toString());
    }
  }
}

export function loadStatus(level: Level, schema: StateSchema, snapshot?: Snapshot): Status {
  const { length } = schema.dimensions;
  const stored = level.getSync(STATUS_KEY, snapshot === undefined ? {} : { snapshot });
  return stored === undefined ? emptyStatus(length) : decodeStatus(stored, length);
}

export function loadPartition(level: Level, partition: number): PartitionStatus | undefined {
  const stored = level.getSync(partitionKey(partition));
  return stored === undefined ? undefined : decodePartition(stored);
}
