import { setTimeout as sleep } from 'node:timers/promises';

import type { KeyValueStore } from '@millrace/core';
import * as fc from 'fast-check';
import { expect } from 'vitest';

import { type ContractSubject, describeContract } from './contract-suite.ts';
import { checkKeyValueModel, collect } from './key-value-model.ts';

export interface KeyValueTarget {
  /** An empty store. */
  readonly store: KeyValueStore;
  /** Closes the store and removes what it left behind, also when the test has closed it. */
  close(): Promise<void>;
}

const bytes = (text: string): Buffer => Buffer.from(text);

async function read(store: KeyValueStore, key: string): Promise<string | undefined> {
  const [found] = await store.getMany([key]);
  return found && Buffer.from(found.value).toString();
}

async function expiry(store: KeyValueStore, key: string): Promise<number | undefined> {
  const [found] = await store.getMany([key]);
  return found?.expiresAt;
}

async function keys(store: KeyValueStore, prefix: string): Promise<string[]> {
  const found = await collect(store.scan(prefix));
  return found.toSorted();
}

const TESTS = {
  'gives back what was set, in the order asked for': async ({ store }) => {
    const version = await store.set('order:a', bytes('1'));
    await store.set('order:b', bytes(''));
    const found = await store.getMany(['order:b', 'order:none', 'order:a', 'order:a']);
    expect(found.map((entry) => entry && Buffer.from(entry.value).toString())).toEqual(['', undefined, '1', '1']);
    expect(found[2]).toMatchObject({ version, expiresAt: undefined });
    expect(await store.getMany([])).toEqual([]);
  },

  'keeps its own copy of a value': async ({ store }) => {
    const value = bytes('before');
    const written = store.set('copy', value);
    value.write('after!');
    await written;
    expect(await read(store, 'copy')).toBe('before');
  },

  'gives every write its own version, also when the value stays or the key was gone between': async ({ store }) => {
    const versions = [await store.set('versions', bytes('x')), await store.set('versions', bytes('x'))];
    await store.delete('versions');
    versions.push(await store.set('versions', bytes('x')));
    await store.increment('versions:number', 1n);
    versions.push((await store.getMany(['versions:number']))[0]?.version);
    await store.increment('versions:number', 0n);
    versions.push((await store.getMany(['versions:number']))[0]?.version);
    expect(new Set(versions).size).toBe(5);
    expect(versions).not.toContain(undefined);
  },

  'writes on a condition only when it holds': async ({ store }) => {
    expect(await store.set('if', bytes('a'), { if: 'no such version' })).toBeUndefined();
    const first = await store.set('if', bytes('a'), { if: 'absent' });
    expect(first).toBeTypeOf('string');
    expect(await store.set('if', bytes('b'), { if: 'absent' })).toBeUndefined();
    const second = await store.set('if', bytes('c'), { if: first! });
    expect(await store.set('if', bytes('d'), { if: first! })).toBeUndefined();
    expect(await read(store, 'if')).toBe('c');
    expect(await store.delete('if', { if: first! })).toBe(false);
    expect(await store.delete('if', { if: second! })).toBe(true);
    expect(await store.set('if', bytes('e'), { if: second! })).toBeUndefined();
    expect(await store.set('if', bytes('f'), { if: 'absent' })).toBeTypeOf('string');
  },

  'lets exactly one of 100 concurrent writers with one version win': async ({ store }) => {
    for (const condition of ['absent', await store.set('race:1', bytes('start'))]) {
      const key = condition === 'absent' ? 'race:0' : 'race:1';
      const results = await Promise.all(
        Array.from({ length: 100 }, (_, writer) => store.set(key, bytes(`writer ${writer}`), { if: condition! })),
      );
      const winners = results.flatMap((version, writer) => (version === undefined ? [] : [writer]));
      expect(winners).toHaveLength(1);
      expect(await read(store, key)).toBe(`writer ${winners[0]}`);
    }
  },

  'deletes once': async ({ store }) => {
    await store.set('delete', bytes('x'));
    const results = await Promise.all([store.delete('delete'), store.delete('delete'), store.delete('never there')]);
    expect(results.map(Number).toSorted((a, b) => a - b)).toEqual([0, 0, 1]);
    expect(await read(store, 'delete')).toBeUndefined();
  },

  'adds up concurrent increments exactly, each with its own sum': async ({ store }) => {
    const sums = await Promise.all(Array.from({ length: 200 }, () => store.increment('sum', 3n)));
    expect(sums.map(Number).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, i) => 3 * (i + 1)));
    expect(await store.increment('sum', -601n)).toBe(-1n);
    expect(await read(store, 'sum')).toBe('-1');
  },

  'increments over all 64 bits and not beyond': async ({ store }) => {
    const max = 2n ** 63n - 1n;
    expect(await store.increment('wide', max)).toBe(max);
    await expect(store.increment('wide', 1n)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(await store.increment('wide', -max)).toBe(0n);
    expect(await store.increment('wide', -max - 1n)).toBe(-max - 1n);
    await expect(store.increment('wide', -1n)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(await read(store, 'wide')).toBe(String(-max - 1n));
  },

  'does not increment what is no integer': async ({ store }) => {
    for (const value of ['', 'one', '1.5', '1e3', ' 1', '9223372036854775808']) {
      await store.set('text', bytes(value));
      await expect(store.increment('text', 1n)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
      expect(await read(store, 'text')).toBe(value);
    }
  },

  'hides a key as soon as it has expired': async ({ store }) => {
    await store.set('ttl:short', bytes('x'), { ttlMs: 40 });
    const before = Date.now();
    await store.set('ttl:long', bytes('y'), { ttlMs: 600_000 });
    const [long] = await store.getMany(['ttl:long']);
    // A backend's clock may differ a little from ours.
    expect(long?.expiresAt).toBeGreaterThan(before + 590_000);
    expect(long?.expiresAt).toBeLessThan(Date.now() + 610_000);
    await sleep(60);
    expect(await read(store, 'ttl:short')).toBeUndefined();
    expect(await keys(store, 'ttl:')).toEqual(['ttl:long']);
    expect(await store.delete('ttl:short')).toBe(false);
    expect(await store.set('ttl:short', bytes('z'), { if: 'absent' })).toBeTypeOf('string');
    expect(await read(store, 'ttl:short')).toBe('z');
  },

  'keeps, replaces or drops a running expiry as told': async ({ store }) => {
    await store.set('keep', bytes('1'), { ttlMs: 600_000 });
    const expiresAt = await expiry(store, 'keep');
    await store.set('keep', bytes('2'), { ttlMs: 'keep' });
    expect(await expiry(store, 'keep')).toBe(expiresAt);
    expect(await read(store, 'keep')).toBe('2');
    await store.set('keep', bytes('3'), { ttlMs: 1_200_000 });
    expect(await expiry(store, 'keep')).toBeGreaterThan(expiresAt!);
    await store.set('keep', bytes('4'));
    expect(await expiry(store, 'keep')).toBeUndefined();
    await store.set('keep', bytes('5'), { ttlMs: 'keep' });
    expect(await expiry(store, 'keep')).toBeUndefined();
  },

  'does not bring back a shorter expiry that was replaced': async ({ store }) => {
    await store.set('extended', bytes('x'), { ttlMs: 30 });
    await store.set('extended', bytes('x'), { ttlMs: 600_000 });
    await sleep(50);
    expect(await read(store, 'extended')).toBe('x');
  },

  'sets the expiry of a counter when it makes it, and only then': async ({ store }) => {
    await store.increment('window', 1n, { ttlMs: 600_000 });
    const expiresAt = await expiry(store, 'window');
    expect(expiresAt).toBeTypeOf('number');
    expect(await store.increment('window', 1n, { ttlMs: 1_200_000 })).toBe(2n);
    expect(await expiry(store, 'window')).toBe(expiresAt);
    await store.increment('short window', 1n, { ttlMs: 60 });
    await sleep(90);
    expect(await store.increment('short window', 5n)).toBe(5n);
  },

  'scans the live keys of a prefix, byte for byte': async ({ store }) => {
    const inside = ['scan:', 'scan:a', 'scan:ab', 'scan:é', 'scan:\u{10ffff}', 'scan:\uffff', 'scan:\u0000'];
    for (const key of [...inside, 'scan', 'scam:a', 'scan;']) await store.set(key, bytes(key));
    expect(await keys(store, 'scan:')).toEqual(inside.toSorted());
    expect(await keys(store, 'scan:a')).toEqual(['scan:a', 'scan:ab']);
    expect(await keys(store, 'scan:none')).toEqual([]);
    expect(await keys(store, '')).toEqual(expect.arrayContaining([...inside, 'scan']));
  },

  'takes keys up to 1 KiB and values up to 1 MiB': async ({ store }) => {
    const value = Buffer.alloc(1024 * 1024, 0xa5);
    for (const key of ['k'.repeat(1024), 'é'.repeat(512), '\u0000']) {
      await store.set(key, value);
      const [found] = await store.getMany([key]);
      expect(value.equals(found!.value)).toBe(true);
      await store.delete(key);
    }
  },

  'refuses keys and values that it cannot keep apart or hold': async ({ store }) => {
    const refused = { code: 'INVALID_ARGUMENT', details: { field: 'key' } };
    for (const key of ['', 'k'.repeat(1025), 'é'.repeat(513), '\ud800', 'a\udc00b']) {
      await expect(store.set(key, bytes('x'))).rejects.toMatchObject(refused);
      await expect(store.getMany([key])).rejects.toMatchObject(refused);
      await expect(store.delete(key)).rejects.toMatchObject(refused);
      await expect(store.increment(key, 1n)).rejects.toMatchObject(refused);
    }
    await expect(store.set('big', Buffer.alloc(1024 * 1024 + 1))).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      details: { field: 'value' },
    });
    for (const ttlMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      const refusal = { code: 'INVALID_ARGUMENT', details: { field: 'ttlMs' } };
      await expect(store.set('ttl', bytes('x'), { ttlMs })).rejects.toMatchObject(refusal);
      await expect(store.increment('ttl', 1n, { ttlMs })).rejects.toMatchObject(refusal);
    }
    expect(await keys(store, 'ttl')).not.toContain('ttl');
  },

  'behaves as a map does, over any run of operations': async ({ store }) => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.commands(checkKeyValueModel.commands, { size: '+1' }), (run, commands) =>
        checkKeyValueModel.run(store, `model:${run}:`, commands),
      ),
      { numRuns: 30 },
    );
  },

  'refuses work once closed, and closes twice': async ({ store }) => {
    await store.close();
    await store.close();
    const closed = { code: 'NOT_RUNNING' };
    await expect(store.getMany(['a'])).rejects.toMatchObject(closed);
    await expect(store.set('a', bytes('x'))).rejects.toMatchObject(closed);
    await expect(store.delete('a')).rejects.toMatchObject(closed);
    await expect(store.increment('a', 1n)).rejects.toMatchObject(closed);
    await expect(collect(store.scan(''))).rejects.toMatchObject(closed);
  },

  'ends a scan that is under way when it is closed': async ({ store }) => {
    for (const key of ['a', 'b', 'c']) await store.set(key, bytes('x'));
    const scan = store.scan('')[Symbol.asyncIterator]();
    expect(await scan.next()).toMatchObject({ done: false });
    await store.close();
    await expect(scan.next()).rejects.toMatchObject({ code: 'NOT_RUNNING' });
  },

  'close waits for what is under way': async ({ store }) => {
    const writes = Array.from({ length: 20 }, (_, i) => store.set(`under way:${i}`, bytes('x')));
    await store.close();
    expect((await Promise.all(writes)).filter((version) => version !== undefined)).toHaveLength(20);
  },
} satisfies Record<string, (target: KeyValueTarget) => Promise<void>>;

/**
 * What every `KeyValueStore` promises.
 *
 * @example
 * describeKeyValueStore('embedded', { open: openInNewDirectory });
 */
export function describeKeyValueStore(
  name: string,
  subject: ContractSubject<KeyValueTarget, keyof typeof TESTS>,
): void {
  describeContract(`KeyValueStore: ${name}`, TESTS, subject);
}
