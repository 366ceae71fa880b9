import { describe, expect, it } from 'vitest';
import type { Chunk, ChunkLimits, Place } from '../src/replay/chunk.ts';
import { createMapper, propertyOf } from '../src/replay/mapping.ts';
import { ndjsonChunks } from '../src/replay/ndjson.ts';
import { collect } from './support/collect.ts';

const START: Place = { position: 0, line: 1, firstEnd: undefined };
const LIMITS: ChunkLimits = { lines: 2, bytes: 1000, spanMs: undefined };

/** The text in pieces of so many bytes, as a file may be read. */
async function* pieces(text: string, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  return Promise.resolve();
}

async function chunks(text: string, place = START, limits = LIMITS, size = 3): Promise<Chunk[]> {
  return collect(ndjsonChunks(pieces(text, size), place, limits, undefined));
}

const bodies = (list: readonly Chunk[]): string[] => list.map(({ body }) => body.toString());

const timed = (second: number): string => `{"time":"2026-01-01T00:00:0${second}.000Z"}\n`;

describe('ndjsonChunks', () => {
  it('passes the bytes on as they are, cut at line ends', async () => {
    const text = '{"a":1}\n{"b":"ü"}\n\n{"c":3}\n{"d":4}';
    for (const size of [1, 3, 1000]) {
      const list = await chunks(text, START, LIMITS, size);
      expect(bodies(list)).toEqual(['{"a":1}\n{"b":"ü"}\n', '\n{"c":3}\n', '{"d":4}']);
      expect(list.map(({ from, to }) => [from, to])).toEqual([
        [0, 19],
        [19, 28],
        [28, 35],
      ]);
      expect(list[1]?.lineOf(2)).toBe(4);
    }
  });

  it('goes on where it stopped, with the same chunk that was on its way', async () => {
    const text = 'l3\nl4\nl5\nl6\n';
    const list = await chunks(text, { position: 6, line: 3, firstEnd: 15 });
    expect(bodies(list)).toEqual(['l3\nl4\nl5\n', 'l6\n']);
    expect(list[0]).toMatchObject({ from: 6, to: 15, nextLine: 6 });
    expect(list[1]?.lineOf(1)).toBe(6);
  });

  it('ends a chunk when its events span more time than allowed', async () => {
    const list = await chunks(timed(0) + timed(1) + timed(5), START, { lines: 100, bytes: 1e6, spanMs: 1000 });
    expect(list.map(({ tags }) => tags)).toEqual([2, 1]);
    expect(list.map(({ time }) => time)).toEqual([Date.UTC(2026, 0, 1), Date.UTC(2026, 0, 1, 0, 0, 5)]);
  });

  it('maps records, and reports those that cannot be by their lines', async () => {
    const constants = new Map(
      (['country', 'device', 'action', 'origin', 'product_id', 'brand_id', 'category_id', 'price'] as const).map(
        (field) => [field, field === 'price' ? '1' : 'x'] as const,
      ),
    );
    const columns = new Map([
      ['cookie', 'user.id'],
      ['time', 'at'],
    ] as const);
    const mapper = createMapper({ columns, constants }, propertyOf);
    const text = '{"at":1700000000,"user":{"id":5}}\n\nnonsense\n{"at":1700000000123,"user":{}}\n';
    const [chunk] = await collect(ndjsonChunks(pieces(text, 9), START, { ...LIMITS, lines: 10 }, mapper));
    expect(JSON.parse(String(chunk?.body))).toMatchObject({ time: '2023-11-14T22:13:20.000Z', cookie: '5' });
    expect(chunk?.errors.map(({ line }) => line)).toEqual([3, 4]);
    expect(chunk?.errors[1]?.message).toContain('there is no user.id');
  });
});
