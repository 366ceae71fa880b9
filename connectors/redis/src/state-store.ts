import type { StateReader, StateWriter } from '@millrace/core';

import { RedisStateReader } from './state/reader.ts';
import { openStore, type OpenOptions } from './state/store.ts';
import { RedisStateWriter } from './state/writer.ts';

/**
 * Opens a writing end of the state at a Redis URL. Any number of processes may have one; each partition has one owner,
 * the writer that asked for its committed offset last.
 *
 * @throws INVALID_OPTION, UNKNOWN_OPTION, SCHEMA_MISMATCH, PARTITIONS_MISMATCH, UNAVAILABLE, UNAUTHORIZED
 */
export function openRedisStateWriter(url: string, options: OpenOptions): Promise<StateWriter> {
  return openStore(url, options, (store) => new RedisStateWriter(store));
}

/** Opens a reading end. @throws as `openRedisStateWriter` */
export function openRedisStateReader(url: string, options: OpenOptions): Promise<StateReader> {
  return openStore(
    url,
    options,
    (store) => new RedisStateReader(store),
    (reader) => reader.forget(),
  );
}
