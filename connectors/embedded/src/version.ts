import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { MillraceError } from '@millrace/core';

import { readIfPresent, replaceFile } from './files.ts';

/** The format that this version of Millrace reads and writes. See docs/embedded.md. */
export const DIRECTORY_FORMAT = 1;

/** What `version.json` says. */
export interface VersionStamp {
  readonly format: number;
  /** The program that made the directory: `millrace 0.1.0`. */
  readonly createdBy: string;
  /** ISO 8601. */
  readonly createdAt: string;
}

/**
 * One step from format `from` to `from + 1`. A crash in the middle runs it again from the start, so it must bear that.
 */
export interface Migration {
  readonly from: number;
  migrate(directory: string): Promise<void>;
}

export interface FormatSupport {
  readonly format: number;
  readonly migrations: readonly Migration[];
}

/** No directory of an older format exists yet. */
export const SUPPORTED: FormatSupport = { format: DIRECTORY_FORMAT, migrations: [] };

/**
 * Stamps a new directory; brings an older one to the supported format, a step at a time. The caller holds the lock.
 *
 * @throws DATA_DIRECTORY_VERSION when the format is newer, has no way forward, or cannot be told.
 */
export async function ensureVersion(directory: string, supported: FormatSupport = SUPPORTED): Promise<VersionStamp> {
  // Looked at before the stamp: another thread may be making both, and makes the stamp first.
  const present = await readdir(directory);
  let stamp = (await readStamp(directory)) ?? (await createStamp(directory, supported.format, present));
  if (stamp.format > supported.format) {
    throw versionError(
      directory,
      stamp.format,
      `has format ${stamp.format}, made by a newer Millrace; this one reads up to ${supported.format}. ` +
        'Update Millrace, or choose another --data',
    );
  }
  while (stamp.format < supported.format) {
    const { format } = stamp;
    const step = supported.migrations.find((migration) => migration.from === format);
    if (step === undefined) {
      throw versionError(
        directory,
        format,
        `has format ${format}, which this Millrace no longer migrates. Open it with an older version first, ` +
          'or choose another --data',
      );
    }
    await step.migrate(directory);
    stamp = { ...stamp, format: format + 1 };
    await writeStamp(directory, stamp);
  }
  return stamp;
}

async function readStamp(directory: string): Promise<VersionStamp | undefined> {
  const text = await readIfPresent(join(directory, 'version.json'));
  if (text === undefined) return undefined;
  try {
    const stamp = JSON.parse(text) as VersionStamp;
    if (Number.isInteger(stamp.format) && stamp.format > 0) return stamp;
    throw new TypeError('"format" must be a positive integer');
  } catch (error) {
    throw versionError(
      directory,
      text,
      'has a version.json that cannot be read. Restore that file from a backup, or choose another --data',
      error,
    );
  }
}

async function createStamp(directory: string, format: number, present: readonly string[]): Promise<VersionStamp> {
  const data = ['log', 'state', 'kv'].filter((name) => present.includes(name));
  if (data.length > 0) {
    throw versionError(
      directory,
      undefined,
      `holds ${data.join(', ')} but no version.json, so nobody can tell what wrote it. Restore that file from a ` +
        'backup, or choose another --data',
    );
  }
  const manifest = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  const stamp = { format, createdBy: `millrace ${manifest.version}`, createdAt: new Date().toISOString() };
  await writeStamp(directory, stamp);
  return stamp;
}

function writeStamp(directory: string, stamp: VersionStamp): Promise<void> {
  return replaceFile(join(directory, 'version.json'), `${JSON.stringify(stamp)}\n`);
}

function versionError(directory: string, value: unknown, text: string, cause?: unknown): MillraceError {
  return new MillraceError('DATA_DIRECTORY_VERSION', `the data directory ${directory} ${text}`, {
    field: '--data',
    value,
    cause,
  });
}
