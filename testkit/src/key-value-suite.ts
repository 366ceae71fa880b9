import { setTimeout as sleep } from 'node:timers/promises';

import type { KeyValueStore } from '@millrace/core';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { checkKeyValueModel, collect } from './key-value-model.ts';

export interface KeyValueFixture {
  readonly store: KeyValueStore;
  /** Closes the store and removes what it left behind. */
  close(): Promise<void>;
}

export interface KeyValueSuiteOptions {
  /** An empty store. */
  open(): Promise<KeyValueFixture>;
  /** Cases that do not hold here, by name, each with its reason; the backend's own tests show what holds instead. */
  readonly skip?: Readonly<Record<string, string>>;
}

const bytes = (text: string): Buffer => Buffer.from(text);

/** What every {@link KeyValueStore} promises. */
export function describeKeyValueStore(name: string, options: KeyValueSuiteOptions): void {
  describe(`KeyValueStore: ${name}`, () => {
    let fixture: KeyValueFixture;
    let store: KeyValueStore;
    beforeAll(async () => {
      fixture = await options.open();
      store = fixture.store;
    });
    afterAll(() => fixture.close());

    const skipped = new Map(Object.entries(options.skip ?? {}));
    const check = (title: string, run: () => Promise<void>): void => {
      const reason = skipped.get(title);
      skipped.delete(title);
      if (reason === undefined) it(title, run);
      else it.skip(`${title} (${reason})`, run);
    };
    const read = async (key: string): Promise<string | undefined> => {
      const [found] = await store.getMany([key]);
      return found && Buffer.from(found.value).toString();
    };
    const keys = async (prefix: string): Promise<string[]> => (await collect(store.scan(prefix))).toSorted();

    check('gives back what was set, in the order asked for', async () => {
      const version = await store.set('order:a', bytes('1'));
      await store.set('order:b', bytes(''));
      const found = await store.getMany(['order:b', 'order:none', 'order:a', 'order:a']);
      expect(found.map((entry) => entry && Buffer.from(entry.value).toString())).toEqual(['', undefined, '1', '1']);
      expect(found[2]).toMatchObject({ version, expiresAt: undefined });
      expect(await store.getMany([])).toEqual([]);
    });

    check('keeps its own copy of a value', async () => {
      const value = bytes('before');
      const written = store.set('copy', value);
      value.write('after!');
      await written;
      expect(await read('copy')).toBe('before');
    });

    check('gives every write its own version, also when the value stays or the key was gone between', async () => {
      const versions = [await store.set('versions', bytes('x')), await store.set('versions', bytes('x'))];
      await store.delete('versions');
      versions.push(await store.set('versions', bytes('x')));
      await store.increment('versions:number', 1n);
      versions.push((await store.getMany(['versions:number']))[0]?.version);
      await store.increment('versions:number', 0n);
      versions.push((await store.getMany(['versions:number']))[0]?.version);
      expect(new Set(versions).size).toBe(5);
      expect(versions).not.toContain(undefined);
    });

    check('writes on a condition only when it holds', async () => {
      expect(await store.set('if', bytes('a'), { if: 'no such version' })).toBeUndefined();
      const first = await store.set('if', bytes('a'), { if: 'absent' });
      expect(first).toBeTypeOf('string');
      expect(await store.set('if', bytes('b'), { if: 'absent' })).toBeUndefined();
      const second = await store.set('if', bytes('c'), { if: first! });
      expect(await store.set('if', bytes('d'), { if: first! })).toBeUndefined();
      expect(await read('if')).toBe('c');
      expect(await store.delete('if', { if: first! })).toBe(false);
      expect(await store.delete('if', { if: second! })).toBe(true);
      expect(await store.set('if', bytes('e'), { if: second! })).toBeUndefined();
      expect(await store.set('if', bytes('f'), { if: 'absent' })).toBeTypeOf('string');
    });

    check('lets exactly one of 100 concurrent writers with one version win', async () => {
      for (const condition of ['absent', await store.set('race:1', bytes('start'))]) {
        const key = condition === 'absent' ? 'race:0' : 'race:1';
        const results = await Promise.all(
          Array.from({ length: 100 }, (_, writer) => store.set(key, bytes(`writer ${writer}`), { if: condition! })),
        );
        const winners = results.flatMap((version, writer) => (version === undefined ? [] : [writer]));
        expect(winners).toHaveLength(1);
        expect(await read(key)).toBe(`writer ${winners[0]}`);
      }
    });

    check('deletes once', async () => {
      await store.set('delete', bytes('x'));
      const results = await Promise.all([store.delete('delete'), store.delete('delete'), store.delete('never there')]);
      expect(results.map(Number).toSorted((a, b) => a - b)).toEqual([0, 0, 1]);
      expect(await read('delete')).toBeUndefined();
    });

    check('adds up concurrent increments exactly, each with its own sum', async () => {
      const sums = await Promise.all(Array.from({ length: 200 }, () => store.increment('sum', 3n)));
      expect(sums.map(Number).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, i) => 3 * (i + 1)));
      expect(await store.increment('sum', -601n)).toBe(-1n);
      expect(await read('sum')).toBe('-1');
    });

    check('increments over all 64 bits and not beyond', async () => {
      const max = 2n ** 63n - 1n;
      expect(await store.increment('wide', max)).toBe(max);
      await expect(store.increment('wide', 1n)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
      expect(await store.increment('wide', -max)).toBe(0n);
      expect(await store.increment('wide', -max - 1n)).toBe(-max - 1n);
      await expect(store.increment('wide', -1n)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
      expect(await read('wide')).toBe(String(-max - 1n));
    });

    check('does not increment what is no integer', async () => {
      for (const value of ['', 'one', '1.5', '1e3', ' 1', '9223372036854775808']) {
        await store.set('text', bytes(value));
        await expect(store.increment('text', 1n)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
        expect(await read('text')).toBe(value);
      }
    });

    check('hides a key as soon as it has expired', async () => {
      await store.set('ttl:short', bytes('x'), { ttlMs: 40 });
      const before = Date.now();
      await store.set('ttl:long', bytes('y'), { ttlMs: 600_000 });
      const [long] = await store.getMany(['ttl:long']);
      // A backend's clock may differ a little from ours.
      expect(long?.expiresAt).toBeGreaterThan(before + 590_000);
      expect(long?.expiresAt).toBeLessThan(Date.now() + 610_000);
      await sleep(60);
      expect(await read('ttl:short')).toBeUndefined();
      expect(await keys('ttl:')).toEqual(['ttl:long']);
      expect(await store.delete('ttl:short')).toBe(false);
      expect(await store.set('ttl:short', bytes('z'), { if: 'absent' })).toBeTypeOf('string');
      expect(await read('ttl:short')).toBe('z');
    });

    check('keeps, replaces or drops a running expiry as told', async () => {
      const expiry = async (key: string): Promise<number | undefined> => (await store.getMany([key]))[0]?.expiresAt;
      await store.set('keep', bytes('1'), { ttlMs: 600_000 });
      const expiresAt = await expiry('keep');
      await store.set('keep', bytes('2'), { ttlMs: 'keep' });
      expect(await expiry('keep')).toBe(expiresAt);
      expect(await read('keep')).toBe('2');
      await store.set('keep', bytes('3'), { ttlMs: 1_200_000 });
      expect(await expiry('keep')).toBeGreaterThan(expiresAt!);
      await store.set('keep', bytes('4'));
      expect(await expiry('keep')).toBeUndefined();
      await store.set('keep', bytes('5'), { ttlMs: 'keep' });
      expect(await expiry('keep')).toBeUndefined();
    });

    check('does not bring back a shorter expiry that was replaced', async () => {
      await store.set('extended', bytes('x'), { ttlMs: 30 });
      await store.set('extended', bytes('x'), { ttlMs: 600_000 });
      await sleep(50);
      expect(await read('extended')).toBe('x');
    });

    check('sets the expiry of a counter when it makes it, and only then', async () => {
      await store.increment('window', 1n, { ttlMs: 60 });
      const [made] = await store.getMany(['window']);
      expect(made?.expiresAt).toBeTypeOf('number');
      expect(await store.increment('window', 1n, { ttlMs: 600_000 })).toBe(2n);
      expect((await store.getMany(['window']))[0]?.expiresAt).toBe(made?.expiresAt);
      await sleep(90);
      expect(await store.increment('window', 5n)).toBe(5n);
    });

    check('scans the live keys of a prefix, byte for byte', async () => {
      const inside = ['scan:', 'scan:a', 'scan:ab', 'scan:é', 'scan:\u{10ffff}', 'scan:\uffff', 'scan:\u0000'];
      for (const key of [...inside, 'scan', 'scam:a', 'scan;']) await store.set(key, bytes(key));
      expect(await keys('scan:')).toEqual(inside.toSorted());
      expect(await keys('scan:a')).toEqual(['scan:a', 'scan:ab']);
      expect(await keys('scan:none')).toEqual([]);
      expect(await keys('')).toEqual(expect.arrayContaining([...inside, 'scan']));
    });

    check('takes keys up to 1 KiB and values up to 1 MiB', async () => {
      const value = Buffer.alloc(1024 * 1024, 0xa5);
      for (const key of ['k'.repeat(1024), 'é'.repeat(512), '\u0000']) {
        await store.set(key, value);
        const [found] = await store.getMany([key]);
        expect(value.equals(found!.value)).toBe(true);
        await store.delete(key);
      }
    });

    check('refuses keys and values that it cannot keep apart or hold', async () => {
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
      expect(await keys('ttl')).not.toContain('ttl');
    });

    check('behaves as a map does, over any run of operations', async () => {
      await fc.assert(
        fc.asyncProperty(fc.integer(), fc.commands(checkKeyValueModel.commands, { size: '+1' }), (run, commands) =>
          checkKeyValueModel.run(store, `model:${run}:`, commands),
        ),
        { numRuns: 30 },
      );
    });

    check('refuses work once closed, and closes twice', async () => {
      const other = await options.open();
      await other.store.close();
      await other.store.close();
      const closed = { code: 'NOT_RUNNING' };
      await expect(other.store.getMany(['a'])).rejects.toMatchObject(closed);
      await expect(other.store.set('a', bytes('x'))).rejects.toMatchObject(closed);
      await expect(other.store.delete('a')).rejects.toMatchObject(closed);
      await expect(other.store.increment('a', 1n)).rejects.toMatchObject(closed);
      await expect(collect(other.store.scan(''))).rejects.toMatchObject(closed);
      await other.close();
    });

    it('skips only cases that exist', () => {
      expect([...skipped.keys()]).toEqual([]);
    });
  });
}
