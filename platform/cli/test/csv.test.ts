import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Chunk, Place } from '../src/replay/chunk.ts';
import { csvChunks, csvHeader } from '../src/replay/csv.ts';
import { parsePairs } from '../src/replay/mapping.ts';
import { collect } from './support/collect.ts';

const TEXT = [
  'ts,user,price,brand',
  '1763700000,ann,100,Nike',
  '2026-11-21 04:00:00,"b,ob",250,"Ni""ke\nAir"',
  '1763700001,cy,abc,Puma',
  '1763700002,dé,5,Puma',
  '',
].join('\n');

const mapping = {
  columns: parsePairs('--map', 'time=ts\ncookie=user\nbrand_id=brand'),
  constants: parsePairs('--set', 'device=PC\naction=BUY\ncountry=PL\norigin=o\nproduct_id=7\ncategory_id=c'),
};

let directory: string;
let file: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-csv-'));
  file = join(directory, 'visits.csv');
  await writeFile(file, TEXT);
});
afterAll(() => rm(directory, { recursive: true }));

async function chunks(place: Place, lines: number, header?: readonly string[]): Promise<Chunk[]> {
  const limits = { lines, bytes: 1e6, spanMs: undefined };
  const input = createReadStream(file, { start: place.position });
  return collect(csvChunks(input, place, limits, { delimiter: ',', mapping, header }));
}

const tagsOf = (list: readonly Chunk[]): object[] =>
  list.flatMap(({ body }) =>
    body
      .toString()
      .trim()
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as object),
  );

describe('csvChunks', () => {
  it('makes tags of rows, and reports wrong ones by line', async () => {
    const list = await chunks({ position: 0, line: 1, firstEnd: undefined }, 100);
    expect(list).toHaveLength(1);
    expect(tagsOf(list)).toEqual([
      {
        time: '2025-11-21T04:40:00.000Z',
        cookie: 'ann',
        country: 'PL',
        device: 'PC',
        action: 'BUY',
        origin: 'o',
        product_info: { product_id: '7', brand_id: 'Nike', category_id: 'c', price: 100 },
      },
      expect.objectContaining({
        time: '2026-11-21T04:00:00.000Z',
        cookie: 'b,ob',
        product_info: { product_id: '7', brand_id: 'Ni"ke\nAir', category_id: 'c', price: 250 },
      }),
      expect.objectContaining({ cookie: 'dé' }),
    ]);
    expect(list[0]?.errors).toEqual([{ line: 5, message: expect.stringContaining('"abc" is no whole number') }]);
    expect(list[0]?.to).toBe(Buffer.byteLength(TEXT));
    expect(list[0]?.lineOf(3)).toBe(6);
  });

  it('goes on at any row', async () => {
    const all = await chunks({ position: 0, line: 1, firstEnd: undefined }, 1);
    const header = await csvHeader(file, ',');
    for (const [index, { to: position, nextLine: line }] of all.slice(0, -1).entries()) {
      const rest = await chunks({ position, line, firstEnd: all[index + 1]?.to }, 1, header);
      expect(tagsOf(rest)).toEqual(tagsOf(all.slice(index + 1)));
      expect(rest[0]?.to).toBe(all[index + 1]?.to);
      expect(rest.at(-1)!.nextLine).toBe(all.at(-1)!.nextLine);
    }
  });
});

describe('parsePairs', () => {
  it('names the field that was meant', () => {
    expect(() => parsePairs('--map', 'cokie=user')).toThrow(/did you mean cookie\?/);
    expect(() => parsePairs('--set', 'device')).toThrow(/is not <field>=<value>/);
  });
});
