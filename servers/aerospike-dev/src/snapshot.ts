import { MillraceError } from '@millrace/core';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { deserialize, serialize } from 'node:v8';
import type { Database } from './storage/database.ts';
import type { StoredRecord } from './storage/record.ts';
import type { SecondaryIndex } from './storage/secondary-index.ts';

const FORMAT = 'millrace-aerospike-dev';
const VERSION = 1;

interface Snapshot {
  readonly format: typeof FORMAT;
  readonly version: number;
  readonly namespaces: readonly {
    readonly name: string;
    readonly indexes: readonly SecondaryIndex[];
    readonly records: readonly (readonly [digest: string, record: StoredRecord])[];
  }[];
}

/** Writes all records and indexes to a file, which is there as a whole or as it was before. */
export async function saveSnapshot(database: Database, path: string): Promise<void> {
  const snapshot: Snapshot = {
    format: FORMAT,
    version: VERSION,
    namespaces: database.namespaces.map((namespace) => ({
      name: namespace.name,
      indexes: [...namespace.indexes.values()],
      records: [...namespace.all()],
    })),
  };
  const unfinished = `${path}.new`;
  await writeFile(unfinished, serialize(snapshot));
  await rename(unfinished, path);
}

/**
 * Reads a snapshot, if the file is there. Records of namespaces that the server does not have are left out.
 *
 * @throws INVALID_OPTION for a file that is no snapshot of this version
 */
export async function loadSnapshot(database: Database, path: string): Promise<void> {
  const bytes = await readIfThere(path);
  if (bytes === undefined) return;
  for (const { name, indexes, records } of parse(bytes, path).namespaces) {
    const namespace = database.namespace(name);
    if (namespace === undefined) continue;
    for (const index of indexes) namespace.indexes.set(index.name, index);
    for (const [digest, record] of records) namespace.set(digest, undefined, record);
  }
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function parse(bytes: Buffer, path: string): Snapshot {
  let content: Partial<Snapshot> | undefined;
  try {
    content = deserialize(bytes) as Partial<Snapshot>;
  } catch (cause) {
    throw noSnapshot(path, cause);
  }
  if (content?.format !== FORMAT || content.version !== VERSION) throw noSnapshot(path);
  return content as Snapshot;
}

const noSnapshot = (path: string, cause?: unknown): MillraceError =>
  new MillraceError('INVALID_OPTION', `${path} is no snapshot of this aerospike-dev: name another file, or remove it`, {
    field: 'snapshot',
    value: path,
    accepted: 'a file that aerospike-dev has written, or one that does not exist',
    ...(cause !== undefined && { cause }),
  });
