import type { Chunk, Column } from './columns.ts';

type Numbers = Uint8Array | Uint16Array | Int32Array;

const FIRST_ROWS = 256;

/** One column that grows, as narrow as its values allow. */
export class GrowingColumn {
  #data: Numbers = new Uint8Array(0);
  #texts: string[] | undefined;
  #ids = new Map<string, number>();

  get bytes(): number {
    return this.#data.byteLength + (this.#texts?.length ?? 0) * 80;
  }

  /** Writes the values behind the first `rows` ones. With `texts` they are indexes into it. */
  append(rows: number, values: Int32Array, texts: readonly string[] | undefined): void {
    if (texts !== undefined) this.#useTexts(rows);
    if (this.#texts !== undefined) this.#translate(values, texts);
    this.#reserve(rows + values.length, values);
    this.#data.set(values, rows);
  }

  view(rows: number): Column {
    return { base: 0, data: this.#data.subarray(0, rows), texts: this.#texts };
  }

  /** From numbers to texts, when the first chunk comes that brings its own. */
  #useTexts(rows: number): void {
    if (this.#texts !== undefined) return;
    this.#texts = [];
    const old = Int32Array.from(this.#data.subarray(0, rows));
    this.#translate(old, undefined);
    this.#data = new Uint8Array(0);
    this.#reserve(rows, old);
    this.#data.set(old);
  }

  #translate(values: Int32Array, texts: readonly string[] | undefined): void {
    const known = new Map<number, number>();
    for (let row = 0; row < values.length; row++) {
      const value = values[row]!;
      let id = known.get(value);
      if (id === undefined) known.set(value, (id = this.#id(texts === undefined ? String(value) : texts[value]!)));
      values[row] = id;
    }
  }

  #id(text: string): number {
    let id = this.#ids.get(text);
    if (id === undefined) this.#ids.set(text, (id = this.#texts!.push(text) - 1));
    return id;
  }

  #reserve(rows: number, values: Int32Array): void {
    let bits = 0;
    // A negative value sets the highest bit.
    for (let row = 0; row < values.length; row++) bits |= values[row]!;
    const width = bits < 0 || bits > 0xffff ? 4 : bits > 0xff ? 2 : 1;
    const { BYTES_PER_ELEMENT: current, length } = this.#data;
    if (width <= current && rows <= length) return;
    const size = rows <= length ? length : Math.max(rows, 2 * length, FIRST_ROWS);
    const grown = newNumbers(Math.max(width, current), size);
    grown.set(this.#data);
    this.#data = grown;
  }
}

function newNumbers(width: number, size: number): Numbers {
  if (width === 4) return new Int32Array(size);
  return width === 2 ? new Uint16Array(size) : new Uint8Array(size);
}

/**
 * Makes these minutes the ones used last, and lets the others go that there is no room for.
 *
 * @param bytesOf what one minute takes in memory; asked each time, because minutes grow
 */
export function keepMinutes<T>(
  all: Map<number, T>,
  used: readonly (readonly [minute: number, value: T])[],
  maxBytes: number,
  bytesOf: (value: T) => number,
): void {
  for (const [minute, value] of used) {
    // A map keeps the order of insertion.
    all.delete(minute);
    all.set(minute, value);
  }
  let bytes = 0;
  for (const value of all.values()) bytes += bytesOf(value);
  for (const [minute, value] of all) {
    if (bytes <= maxBytes) return;
    all.delete(minute);
    bytes -= bytesOf(value);
  }
}

/** All rows of one minute that a reader has seen, of all partitions, as one chunk to scan. */
export class MinuteTable {
  readonly columns: readonly GrowingColumn[];
  /** Per partition, how many bytes of its chunks are in the table. */
  readonly known: number[];
  rows = 0;

  constructor(columns: number, partitions: number) {
    this.columns = Array.from({ length: columns }, () => new GrowingColumn());
    this.known = Array.from({ length: partitions }, () => 0);
  }

  get bytes(): number {
    return this.columns.reduce((sum, column) => sum + column.bytes, 1024);
  }

  view(): Chunk {
    return { rows: this.rows, columns: this.columns.map((column) => column.view(this.rows)), bytes: this.bytes };
  }
}
