import { MillraceError } from '@millrace/core';
import { ByteReader, ByteWriter } from '@millrace/core/state';

export interface ChunkReference {
  readonly id: number;
  readonly rows: number;
  /** How often its rows have been merged: a new chunk has 0. */
  readonly tier: number;
}

/** What a minute consists of: its chunks, oldest rows first. */
export type Directory = readonly ChunkReference[];

const VERSION = 1;

export function encodeDirectory(directory: Directory): Buffer {
  const writer = new ByteWriter(64).byte(VERSION);
  for (const { id, rows, tier } of directory) writer.varint(id).varint(rows).byte(tier);
  return writer.copy();
}

/** @throws STATE_CORRUPT */
export function decodeDirectory(value: Buffer): Directory {
  const reader = new ByteReader(value);
  if (reader.byte() !== VERSION) throw new MillraceError('STATE_CORRUPT', 'a minute has an unknown version');
  const directory: ChunkReference[] = [];
  while (!reader.done) directory.push({ id: reader.varint(), rows: reader.varint(), tier: reader.byte() });
  return directory;
}
