import { isDeepStrictEqual } from 'node:util';

import type { KeyValueStore, Version } from '@millrace/core';
import * as fc from 'fast-check';
import { expect } from 'vitest';

interface Model {
  readonly entries: Map<string, { value: string; version: Version }>;
}

interface Real {
  readonly store: KeyValueStore;
  readonly prefix: string;
}

type Command = fc.AsyncCommand<Model, Real>;

const text = (value: Uint8Array): string => Buffer.from(value).toString();

export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

/** One operation, checked against a Map. */
function command(title: string, run: (model: Model['entries'], real: Real) => Promise<void>): Command {
  return { check: () => true, run: (model, real) => run(model.entries, real), toString: () => title };
}

const key = fc.constantFrom('a', 'b', 'ab', 'é', '\u{1f600}');
const value = fc.oneof(fc.constantFrom('', '0', '41'), fc.string());
/** Which condition a write has: none, one that holds, one that does not. */
const condition = fc.constantFrom('none', 'holds', 'fails');

const set = fc.tuple(key, value, condition).map(([key, value, condition]) =>
  command(`set(${key}, ${JSON.stringify(value)}, ${condition})`, async (entries, { store, prefix }) => {
    const current = entries.get(key)?.version ?? 'absent';
    const other = current === 'absent' ? 'no such version' : 'absent';
    const options = condition === 'none' ? {} : { if: condition === 'holds' ? current : other };
    const version = await store.set(prefix + key, Buffer.from(value), options);
    if (condition === 'fails') expect(version).toBeUndefined();
    else entries.set(key, { value, version: version! });
  }),
);

const remove = fc.tuple(key, condition).map(([key, condition]) =>
  command(`delete(${key}, ${condition})`, async (entries, { store, prefix }) => {
    const current = entries.get(key)?.version;
    const options = condition === 'none' ? {} : { if: condition === 'fails' ? 'no such version' : (current ?? 'none') };
    const existed = await store.delete(prefix + key, options);
    expect(existed).toBe(current !== undefined && condition !== 'fails');
    if (existed) entries.delete(key);
  }),
);

const increment = fc.tuple(key, fc.bigInt({ min: -5n, max: 5n })).map(([key, by]) =>
  command(`increment(${key}, ${by})`, async (entries, { store, prefix }) => {
    const current = entries.get(key)?.value ?? '0';
    if (!/^-?\d{1,18}$/.test(current)) {
      await expect(store.increment(prefix + key, by)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
      return;
    }
    const sum = BigInt(current) + by;
    expect(await store.increment(prefix + key, by)).toBe(sum);
    const [found] = await store.getMany([prefix + key]);
    entries.set(key, { value: String(sum), version: found!.version });
  }),
);

const readAll = fc.constant(
  command('read all', async (entries, { store, prefix }) => {
    const names = ['a', 'b', 'ab', 'é', '\u{1f600}'];
    const found = await store.getMany(names.map((name) => prefix + name));
    const seen = found.map((entry) => entry && { value: text(entry.value), version: entry.version });
    expect(
      isDeepStrictEqual(
        seen,
        names.map((name) => entries.get(name)),
      ),
    ).toBe(true);
    const scanned = await collect(store.scan(prefix));
    expect(scanned.toSorted()).toEqual([...entries.keys()].map((name) => prefix + name).toSorted());
  }),
);

/** Operations for fast-check, and how a run of them is checked. */
export const checkKeyValueModel = {
  commands: [set, remove, increment, readAll] as fc.Arbitrary<Command>[],
  async run(store: KeyValueStore, prefix: string, commands: Iterable<Command>): Promise<void> {
    for await (const name of store.scan(prefix)) await store.delete(name);
    await fc.asyncModelRun(() => ({ model: { entries: new Map() }, real: { store, prefix } }), commands);
  },
};
