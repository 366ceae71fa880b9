import { MillraceError } from '../errors.ts';

import { ByteReader, ByteWriter } from './bytes.ts';

/** One column before packing: numbers, which with `texts` are indexes into it. */
export interface ColumnValues {
  readonly numbers: ArrayLike<number>;
  /** The chunk's own dictionary, where a value is no number and has no id in the store's. */
  readonly texts?: readonly string[];
}

/** One column of a chunk: row i has `base + data[i]`; without `data` every row has `base`. */
export interface Column {
  readonly base: number;
  readonly data: Uint8Array | Uint16Array | Int32Array | undefined;
  readonly texts: readonly string[] | undefined;
}

export interface Chunk {
  readonly rows: number;
  /** The kind, then the dimensions, then the measures, as in the schema. */
  readonly columns: readonly Column[];
  /** What it takes in memory. */
  readonly bytes: number;
}

const VERSION = 1;
const TEXTS = 8;
/** Bytes per value. Subtracting the smallest value first makes most columns 1 or 2 wide, so that they do not compress
 * any further: LevelDB then stores them as they are, and reading them costs a copy instead of a decompression. */
type Width = 0 | 1 | 2 | 4;

/**
 * Packs the columns of one chunk. Header: version, rows, and per column its width (with a flag when texts follow) and
 * its base; then the texts; then, at the next multiple of four, the data of the widest columns first, so that every
 * column lies aligned and can be read in place.
 */
export function encodeChunk(rows: number, columns: readonly ColumnValues[]): Buffer {
  const header = new ByteWriter(256);
  header.byte(VERSION).varint(rows);
  const packed = columns.map(({ numbers }) => range(numbers, rows));
  let size = 0;
  columns.forEach(({ texts }, at) => {
    const { width, base } = packed[at]!;
    header.byte(width | (texts === undefined ? 0 : TEXTS)).zigzag(base);
    size += width * rows;
  });
  for (const { texts } of columns) {
    if (texts === undefined) continue;
    header.varint(texts.length);
    for (const text of texts) header.text(text);
  }
  const start = aligned(header.length);
  const bytes = Buffer.alloc(start + size);
  header.view().copy(bytes);
  let position = start;
  for (const width of [4, 2, 1] as const) {
    columns.forEach(({ numbers }, at) => {
      if (packed[at]!.width !== width) return;
      const { base } = packed[at]!;
      const data = viewOf(bytes, position, rows, width);
      for (let row = 0; row < rows; row++) data[row] = numbers[row]! - base;
      position += width * rows;
    });
  }
  return bytes;
}

/** The columns as views of the bytes, which must not change afterwards. @throws STATE_CORRUPT */
export function decodeChunk(stored: Buffer, count: number): Chunk {
  // Views need their bytes aligned; what LevelDB hands out usually is.
  const bytes = stored.byteOffset % 4 === 0 ? stored : copyAligned(stored);
  const reader = new ByteReader(bytes);
  if (reader.byte() !== VERSION) throw corrupt('has an unknown version');
  const rows = reader.varint();
  const heads: { width: Width; base: number; hasTexts: boolean }[] = [];
  for (let at = 0; at < count; at++) {
    const tag = reader.byte();
    const width = (tag & ~TEXTS) as Width;
    if (![0, 1, 2, 4].includes(width)) throw corrupt('has an unknown column width');
    heads.push({ width, base: reader.zigzag(), hasTexts: (tag & TEXTS) !== 0 });
  }
  let textBytes = 0;
  const texts = heads.map(({ hasTexts }) => {
    if (!hasTexts) return undefined;
    const values = Array.from({ length: reader.varint() }, () => reader.text());
    for (const value of values) textBytes += 64 + value.length * 2;
    return values;
  });
  const size = heads.reduce((sum, { width }) => sum + width * rows, 0);
  let position = aligned(reader.position);
  if (position + size !== bytes.length) throw corrupt(`has ${bytes.length} bytes instead of ${position + size}`);
  const columns: Column[] = heads.map(({ base }, at) => ({ base, data: undefined, texts: texts[at] }));
  for (const width of [4, 2, 1] as const) {
    heads.forEach((head, at) => {
      if (head.width !== width) return;
      columns[at] = { ...columns[at]!, data: viewOf(bytes, position, rows, width) };
      position += width * rows;
    });
  }
  return { rows, columns, bytes: bytes.length + textBytes + 256 * count };
}

/** The column's rows as plain numbers, written to `target` from `at` on. */
export function unpackColumn(column: Column, rows: number, target: Int32Array, at: number): void {
  const { base, data } = column;
  if (data === undefined) target.fill(base, at, at + rows);
  else for (let row = 0; row < rows; row++) target[at + row] = base + data[row]!;
}

function range(numbers: ArrayLike<number>, rows: number): { width: Width; base: number } {
  let least = numbers[0]!;
  let most = least;
  for (let row = 1; row < rows; row++) {
    const value = numbers[row]!;
    if (value < least) least = value;
    else if (value > most) most = value;
  }
  const span = most - least;
  if (span === 0) return { width: 0, base: least };
  if (span < 0x100) return { width: 1, base: least };
  if (span < 0x10000) return { width: 2, base: least };
  return { width: 4, base: 0 };
}

function viewOf(bytes: Buffer, at: number, rows: number, width: 1 | 2 | 4): Uint8Array | Uint16Array | Int32Array {
  const offset = bytes.byteOffset + at;
  if (width === 4) return new Int32Array(bytes.buffer, offset, rows);
  if (width === 2) return new Uint16Array(bytes.buffer, offset, rows);
  return new Uint8Array(bytes.buffer, offset, rows);
}

/** `Buffer.alloc` and LevelDB's buffers start at a multiple of eight, the ones from Node's pool need not. */
const copyAligned = (bytes: Buffer): Buffer => {
  const copy = Buffer.alloc(bytes.length);
  bytes.copy(copy);
  return copy;
};

const aligned = (position: number): number => (position + 3) & ~3;

const corrupt = (what: string): MillraceError => new MillraceError('STATE_CORRUPT', `a rollup chunk ${what}`);
