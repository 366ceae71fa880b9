import { stat } from 'node:fs/promises';
import { join } from 'node:path';

import { MillraceError, type StateSchema, toMillraceError } from '@millrace/core';
import { nodeDisk } from '@millrace/storage';
import { ClassicLevel } from 'classic-level';

import { levelCode } from '../lock.ts';
import { agreeOnMeta, hasMeta } from './meta.ts';

export type Level = ClassicLevel<Buffer, Buffer>;

/** What a commit is gathered in. LevelDB copies key and value at once, so both may be used again. */
export interface Batch {
  put(key: Buffer, value: Buffer): unknown;
  del(key: Buffer): unknown;
}

export interface StateLocation {
  /** Created when it does not exist. */
  readonly directory: string;
  readonly schema: StateSchema;
  readonly partitions: number;
}

export interface Database {
  readonly level: Level;
  /** Closing twice is harmless. */
  close(): Promise<void>;
  /** Key of the hash of timeline and dedupe keys; secret, or a user could choose keys that meet. */
  readonly seed: Buffer;
}

/**
 * What is open in this thread, by directory. LevelDB is open once per process; classic-level shares it among openers, but
 * frees its cache as soon as the first of them closes, and then the others crash. Within a thread this table keeps the
 * first one open for the others.
 */
const openLevels = new Map<string, SharedLevel>();

interface SharedLevel {
  readonly level: Level;
  readonly opening: Promise<void>;
  users: number;
  closing?: Promise<void>;
}

/**
 * Opens the LevelDB of the state, from any thread of one process. All of them share the cache of the thread that opened
 * it first, and it is freed when that thread closes: **the thread that opens first must close last**.
 *
 * Small write buffers and files keep the longest pause and the memory down; figures in docs/decisions.
 *
 * @throws SCHEMA_MISMATCH, PARTITIONS_MISMATCH, DATA_DIRECTORY_LOCKED, STATE_CORRUPT, INVALID_ARGUMENT
 */
export async function openDatabase(location: StateLocation): Promise<Database> {
  checkLocation(location);
  const { directory } = location;
  await nodeDisk().mkdir(directory);
  const { level, close } = await openLevel(directory);
  try {
    const meta = await agreeOnMeta(location);
    return { level, close, seed: Buffer.from(meta.seed, 'base64') };
  } catch (error) {
    await close();
    throw stateError(error, directory);
  }
}

async function openLevel(directory: string): Promise<Omit<Database, 'seed'>> {
  // With a meta file there was a database once: making a new one would hide that it is gone.
  const createIfMissing = !(await hasMeta(directory));
  let shared = openLevels.get(directory);
  while (shared?.closing !== undefined) {
    await shared.closing;
    shared = openLevels.get(directory);
  }
  if (shared === undefined) {
    const level = newLevel(directory, createIfMissing);
    openLevels.set(directory, (shared = { level, opening: level.open(), users: 0 }));
  }
  const { level, opening } = shared;
  shared.users++;
  let closing: Promise<void> | undefined;
  const release = async (): Promise<void> => {
    if (--shared.users > 0) return;
    shared.closing = level.close().finally(() => openLevels.delete(directory));
    await shared.closing;
  };
  const close = (): Promise<void> => (closing ??= release());
  try {
    await opening;
    return { level, close };
  } catch (error) {
    await close();
    throw stateError(error, directory);
  }
}

const newLevel = (directory: string, createIfMissing: boolean): Level =>
  new ClassicLevel(directory, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    multithreading: true,
    createIfMissing,
    writeBufferSize: 8 * 1024 * 1024,
    cacheSize: 8 * 1024 * 1024,
    // A compaction maps every file it merges, some ten at once: twice as large took 35 MB more, and was no faster.
    maxFileSize: 4 * 1024 * 1024,
    maxOpenFiles: 512,
  });

/** Bytes of the database's files. */
export async function bytesOnDisk(directory: string, files: readonly string[]): Promise<number> {
  let bytes = 0;
  for (const file of files) {
    // Compaction removes files at any time.
    const found = await stat(join(directory, file)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    bytes += found?.size ?? 0;
  }
  return bytes;
}

/** The error that a caller gets for one of LevelDB's. */
export function stateError(error: unknown, directory: string): MillraceError {
  if (error instanceof MillraceError && error.code !== 'STATE_CORRUPT') return error;
  const code = levelCode(error);
  if (code === 'LEVEL_LOCKED') {
    return new MillraceError('DATA_DIRECTORY_LOCKED', `${directory} is in use by another process: stop it first`, {
      cause: error,
    });
  }
  const reason = reasonOf(error);
  if (
    error instanceof MillraceError ||
    code === 'LEVEL_CORRUPTION' ||
    /corrupt|no such file|does not exist/i.test(reason)
  ) {
    return new MillraceError(
      'STATE_CORRUPT',
      `the state in ${directory} is damaged (${reason}): stop Millrace, move that directory away and start again; ` +
        'it is rebuilt from the log, as far back as the log reaches',
      { cause: error },
    );
  }
  return toMillraceError(error);
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}

function checkLocation({ schema, partitions }: StateLocation): void {
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > 0xffff) {
    const accepted = 'an integer from 1 to 65535';
    throw new MillraceError('INVALID_ARGUMENT', `partitions is ${partitions}: give ${accepted}`, {
      field: 'partitions',
      value: partitions,
      accepted,
    });
  }
  const names = ['kind', ...schema.dimensions.map(({ name }) => name)];
  if (schema.kinds.length > 255 || schema.dimensions.length > 255 || new Set(names).size < names.length) {
    const accepted = 'at most 255 kinds, at most 255 dimensions with different names, none called kind';
    throw new MillraceError('INVALID_ARGUMENT', `the schema is not possible: ${accepted}`, {
      field: 'schema',
      accepted,
    });
  }
}
