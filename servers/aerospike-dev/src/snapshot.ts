import { MillraceError } from '@millrace/core';
import type { FileHandle } from 'node:fs/promises';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { crc32 } from 'node:zlib';
import type { Database } from './storage/database.ts';
import type { StoredRecord } from './storage/record.ts';
import type { SecondaryIndex } from './storage/secondary-index.ts';

const FORMAT = 'millrace-aerospike-dev';
const VERSION = 1;

/** The file begins with the checksum of the rest. */
const CHECKSUM_BYTES = 4;

interface Snapshot {
  readonly format: typeof FORMAT;
  readonly version: number;
  readonly namespaces: readonly {
    readonly name: string;
    readonly indexes: readonly SecondaryIndex[];
    readonly records: readonly (readonly [digest: string, record: StoredRecord])[];
  }[];
}

/**
 * Writes all records and indexes to a file, which is there as a whole or as it was before, also after a loss of power.
 *
 * @throws INVALID_OPTION when the file cannot be written
 */
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
  const content = serialize(snapshot);
  const checksum = Buffer.alloc(CHECKSUM_BYTES);
  checksum.writeUInt32BE(crc32(content));
  try {
    const file = await open(unfinishedFile(path), 'w');
    await settled(file, () => file.writev([checksum, content]));
    await rename(unfinishedFile(path), path);
    // Only now is the new name of the file durable.
    const directory = await open(dirname(path), 'r');
    await settled(directory, async () => {});
  } catch (cause) {
    throw notWritable(path, cause);
  }
}

/**
 * Shows at start, rather than when the records would be lost, that the snapshot can be written.
 *
 * @throws INVALID_OPTION when it cannot
 */
export async function checkWritable(path: string): Promise<void> {
  try {
    const target = await open(path, 'r+').catch((error: unknown) => {
      if (codeOf(error) !== 'ENOENT') throw error;
    });
    await target?.close();
    await (await open(unfinishedFile(path), 'w')).close();
    await rm(unfinishedFile(path));
  } catch (cause) {
    throw notWritable(path, cause);
  }
}

/**
 * Reads a snapshot, if the file is there. Records of namespaces that the server does not have are left out.
 *
 * @throws INVALID_OPTION for a file that is no snapshot of this version, or a damaged one
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

const unfinishedFile = (path: string): string => `${path}.new`;

/** Works on a file and waits until it is on the disk. */
async function settled(file: FileHandle, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
    await file.sync();
  } finally {
    await file.close();
  }
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function parse(bytes: Buffer, path: string): Snapshot {
  if (bytes.length < CHECKSUM_BYTES) throw noSnapshot(path);
  const content = bytes.subarray(CHECKSUM_BYTES);
  if (crc32(content) !== bytes.readUInt32BE()) throw noSnapshot(path);
  const snapshot = deserialize(content) as Snapshot;
  if (snapshot.format !== FORMAT || snapshot.version !== VERSION) throw noSnapshot(path);
  return snapshot;
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

const noSnapshot = (path: string): MillraceError =>
  new MillraceError(
    'INVALID_OPTION',
    `${path} is no snapshot of this aerospike-dev, or damaged: name another file, or remove it`,
    { field: 'snapshot', value: path, accepted: 'a file that aerospike-dev has written, or one that does not exist' },
  );

function notWritable(path: string, cause: unknown): MillraceError {
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: `there is no directory ${dirname(path)}, make it first`,
    EISDIR: 'it is a directory, name a file',
    EACCES: 'this user may not write there, name another file',
    EROFS: 'the file system is read-only, name another file',
    ENOSPC: 'the disk is full, make room or name another file',
  };
  const reason = reasons[codeOf(cause) ?? ''] ?? String(cause);
  return new MillraceError('INVALID_OPTION', `cannot write the snapshot ${path}: ${reason}`, {
    field: 'snapshot',
    value: path,
    accepted: 'a file in a directory that can be written',
    cause,
  });
}
