import { randomBytes } from 'node:crypto';
import { link, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';

import { MillraceError, type StateSchema } from '@millrace/core';
import { nodeDisk } from '@millrace/storage';

import { readIfPresent } from '../files.ts';
import { partitionsMismatch } from '../partitions-mismatch.ts';
import type { StateLocation } from './database.ts';

/** Fixed when the state is made. */
export interface Meta {
  readonly format: number;
  readonly schema: StateSchema;
  readonly partitions: number;
  /** Base64. */
  readonly seed: string;
}

const FORMAT = 1;
const META_FILE = 'META.json';

export async function hasMeta(directory: string): Promise<boolean> {
  return (await readIfPresent(join(directory, META_FILE))) !== undefined;
}

/**
 * What the state in the directory was made with; makes it so where there is none.
 *
 * @throws SCHEMA_MISMATCH, PARTITIONS_MISMATCH, DATA_DIRECTORY_VERSION, STATE_CORRUPT
 */
export async function agreeOnMeta({ directory, schema, partitions }: StateLocation): Promise<Meta> {
  const path = join(directory, META_FILE);
  if ((await readIfPresent(path)) === undefined) await createMeta(directory, path, schema, partitions);
  const meta = parse((await readIfPresent(path)) ?? '', path);
  if (meta.format !== FORMAT) {
    throw new MillraceError(
      'DATA_DIRECTORY_VERSION',
      `${path} has format ${meta.format}, this version knows ${FORMAT}`,
    );
  }
  if (meta.partitions !== partitions) {
    throw partitionsMismatch(`the state in ${directory}`, meta.partitions, partitions);
  }
  if (canonical(meta.schema) !== canonical(schema)) {
    const problem = `${directory} was made with another schema, ${canonical(meta.schema)}`;
    throw new MillraceError('SCHEMA_MISMATCH', `${problem}: use that, or another directory`, {
      field: 'schema',
      value: canonical(schema),
      accepted: canonical(meta.schema),
    });
  }
  return meta;
}

function parse(text: string, path: string): Meta {
  try {
    return JSON.parse(text) as Meta;
  } catch (error) {
    throw new MillraceError('STATE_CORRUPT', `${path} cannot be read: ${(error as Error).message}`);
  }
}

/**
 * A link is made once, however many threads try: the first one's seed holds. A file and not a LevelDB record, because
 * LevelDB has no such step.
 */
async function createMeta(directory: string, path: string, schema: StateSchema, partitions: number): Promise<void> {
  const meta: Meta = { format: FORMAT, schema, partitions, seed: randomBytes(16).toString('base64') };
  const temporary = `${path}.${process.pid}-${threadId}-${randomBytes(4).toString('hex')}`;
  const file = await open(temporary, 'wx', 0o600);
  try {
    await file.writeFile(`${JSON.stringify(meta, undefined, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    await link(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(temporary);
  }
  await nodeDisk().syncDirectory(directory);
}

const canonical = ({ kinds, dimensions, measures }: StateSchema): string =>
  JSON.stringify({ kinds, dimensions: dimensions.map(({ name, values }) => ({ name, values })), measures });
