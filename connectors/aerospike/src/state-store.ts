import type { StateReader, StateWriter } from '@millrace/core';

import { AerospikeStateReader } from './state/reader.ts';
import { type OpenOptions, openStore } from './state/store.ts';
import { AerospikeStateWriter } from './state/writer.ts';

/**
 * Opens the writing end of the state at an Aerospike URL: `aerospike://host:3000/namespace/set`.
 *
 * @throws INVALID_OPTION, UNKNOWN_OPTION, SCHEMA_MISMATCH, PARTITIONS_MISMATCH, CONNECTOR_NOT_INSTALLED, UNAVAILABLE,
 *   UNAUTHORIZED, REFUSED
 */
export async function openAerospikeStateWriter(url: string, options: OpenOptions): Promise<StateWriter> {
  return new AerospikeStateWriter(await openStore(url, options));
}

/** Opens a reading end of the state at an Aerospike URL. @throws as the writing end */
export async function openAerospikeStateReader(url: string, options: OpenOptions): Promise<StateReader> {
  return new AerospikeStateReader(await openStore(url, options));
}
