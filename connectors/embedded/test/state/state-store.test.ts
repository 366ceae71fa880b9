import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { hasCode, type StateWriter } from '@millrace/core';
import { STATE_MINUTE, STATE_SCHEMA, STATE_START, stateChange, stateEvent, StateModel } from '@millrace/testkit';
import { ClassicLevel } from 'classic-level';
import { describe, expect, it, onTestFinished } from 'vitest';

import { openEmbeddedStateReader } from '../../src/state/reader.ts';
import { openEmbeddedStateWriter } from '../../src/state/writer.ts';
import { temporaryDirectory } from '../fixtures.ts';
import { openStore } from './fixture.ts';

const options = { schema: STATE_SCHEMA, partitions: 4, keep: 5, retentionMs: 24 * 3_600_000 };
const everything = { from: STATE_START, to: STATE_START + 10 * STATE_MINUTE, where: {}, groupBy: [], limit: 100_000 };
const code = (code: string) => expect.objectContaining({ code });

async function open(given: Partial<typeof options> & { dictionaryLimit?: number } = {}) {
  const store = await openStore({ ...options, ...given });
  onTestFinished(() => store.close());
  return store;
}

const openWriter = (directory: string, given: object = {}): Promise<StateWriter> =>
  openEmbeddedStateWriter({ ...options, directory, ...given });

describe('many commits', () => {
  it('answer as the model does while chunks are merged and minutes sealed, and after a reopen', async () => {
    const store = await open();
    const model = new StateModel(options);
    const queries = [
      everything,
      { ...everything, where: { brand: ['3'] }, groupBy: ['product'] },
      { ...everything, where: { product: ['x1', '4'] }, groupBy: ['kind', 'brand'] },
      { ...everything, groupBy: ['product'], limit: 7 },
    ];
    const compare = async () => {
      for (const query of queries) expect(await store.reader.rollup(query)).toEqual(model.rollup(query));
    };
    let offset = 0;
    for (let commit = 0; commit < 600; commit++) {
      const events = Array.from({ length: 1 + (commit % 5) }, () => {
        const at = offset++;
        // Half a second per commit, every seventh event up to three minutes late.
        const time = STATE_START + 180_000 + commit * 500 - (at % 7 === 0 ? (at * 7919) % 180_000 : 0);
        const product = commit < 300 ? String(at % 5) : `x${at % 3}`;
        return stateEvent(at, {
          time,
          kind: at & 1,
          dimensions: [String(at % 9), 'PL', product],
          appendedAt: time,
          measures: [at, -1],
        });
      });
      model.commit([stateChange(events)]);
      await store.writer.commit([stateChange(events)]);
      if (commit % 50 === 49) await compare();
    }
    const { writer, reader } = await store.reopen();
    for (const query of queries) expect(await reader.rollup(query)).toEqual(model.rollup(query));
    await writer.close();
    await reader.close();
  });

  it('remove old entries of a busy key, which no reader sees', async () => {
    const directory = await temporaryDirectory();
    const reader = await openEmbeddedStateReader({ ...options, directory });
    const writer = await openEmbeddedStateWriter({ ...options, directory });
    const times: number[] = [];
    for (let commit = 0; commit < 60; commit++) {
      // Two commits in three bring only events older than all before, so that nothing hides what was removed too much.
      const base = commit % 3 === 0 ? STATE_START + commit : STATE_START - commit * 10_000;
      const events = Array.from({ length: 100 }, (_, at) =>
        stateEvent(commit * 100 + at, { time: base + ((at * 7919) % 5000) }),
      );
      times.push(...events.map(({ time }) => time));
      await writer.commit([stateChange(events)]);
      const entries = await reader.timeline('alice', { kind: 0, from: 0, to: Infinity, limit: 100 });
      const newest = times.toSorted((a, b) => b - a).slice(0, options.keep);
      expect(entries.map(({ time }) => time)).toEqual(newest);
    }
    await writer.close();
    await reader.close();

    const level = new ClassicLevel(directory);
    const stored = await level.keys({ gte: 't', lt: 'u' }).all();
    await level.close();
    expect(stored.length).toBeLessThan(1000);
  });
});

describe('values', () => {
  it('beyond the dictionary are stored where they occur, and filters stay exact', async () => {
    const store = await open({ dictionaryLimit: 100 });
    const brands = Array.from({ length: 1000 }, (_, at) => `brand-${(at * 37) % 250}`);
    const events = brands.map((brand, at) => stateEvent(at, { dimensions: [brand, 'PL', '1'] }));
    for (let at = 0; at < events.length; at += 50) await store.writer.commit([stateChange(events.slice(at, at + 50))]);
    const { rows } = await store.reader.rollup({ ...everything, groupBy: ['brand'] });
    expect(rows.map(({ count }) => count)).toEqual(Array.from({ length: 250 }, () => 4));
    for (const brand of ['brand-0', 'brand-249', 'brand-163']) {
      expect((await store.reader.rollup({ ...everything, where: { brand: [brand] } })).rows[0]?.count).toBe(4);
    }
  });

  it('of an unbounded dimension may be more than 65,535, texts and integers mixed', async () => {
    const store = await open();
    const products = Array.from({ length: 70_000 }, (_, at) => (at % 2 === 0 ? String(at * 30_000) : `p-${at}`));
    for (let at = 0; at < products.length; at += 14_000) {
      const part = products.slice(at, at + 14_000);
      const events = part.map((product, nth) => stateEvent(at + nth, { dimensions: ['Nike', 'PL', product] }));
      await store.writer.commit([stateChange(events)]);
    }
    const { rows, truncated } = await store.reader.rollup({ ...everything, groupBy: ['product'] });
    expect([rows.length, truncated]).toEqual([70_000, false]);
    const picked = [...products.slice(0, 2), ...products.slice(-2)];
    const { rows: found } = await store.reader.rollup({ ...everything, where: { product: picked } });
    expect(found[0]?.count).toBe(4);
  });

  it('fill a real dictionary and go on', async () => {
    const store = await open();
    const count = 66_000;
    const events = Array.from({ length: count }, (_, at) =>
      stateEvent(at, { key: `k${at}`, dimensions: [`b${at}`, 'PL', '1'] }),
    );
    await store.writer.commit([stateChange(events)]);
    for (const at of [0, 65_534, 65_535, 65_999]) {
      const [entry] = await store.reader.timeline(`k${at}`, { kind: 0, from: 0, to: Infinity, limit: 1 });
      expect(entry?.dimensions[0]).toBe(`b${at}`);
      const { rows } = await store.reader.rollup({ ...everything, where: { brand: [`b${at}`] } });
      expect(rows[0]?.count).toBe(1);
    }
  });
});

describe('synced', () => {
  it('is what is committed, also after opening again', async () => {
    const directory = await temporaryDirectory();
    const writer = await openWriter(directory);
    await writer.commit([stateChange([stateEvent(0)])]);
    expect(await writer.synced(0)).toBe(1);
    await writer.close();
    const again = await openWriter(directory);
    expect(await again.synced(0)).toBe(1);
    await again.close();
  });
});

describe('warmUp', () => {
  it('works on an empty and on a filled store', async () => {
    const store = await open();
    await store.reader.warmUp();
    await store.writer.commit([stateChange([stateEvent(0)])]);
    await store.reader.warmUp();
    expect((await store.reader.rollup(everything)).rows).toHaveLength(1);
  });
});

describe('opening', () => {
  it('and closing may happen in any order, also at once, and agrees on one seed', async () => {
    const directory = await temporaryDirectory();
    const readers = await Promise.all([1, 2, 3].map(() => openEmbeddedStateReader({ ...options, directory })));
    const writer = await openWriter(directory);
    await writer.commit([stateChange([stateEvent(0)])]);
    for (const reader of readers) {
      expect(await reader.timeline('alice', { kind: 0, from: 0, to: Infinity, limit: 1 })).toHaveLength(1);
    }
    const [first, ...others] = readers;
    await first?.close();
    await writer.close();
    for (const reader of others) {
      expect(await reader.committed(0)).toBe(1);
      expect((await reader.rollup(everything)).rows).toHaveLength(1);
    }
    const closing = others.map((reader) => reader.close());
    const again = await openWriter(directory);
    await Promise.all(closing);
    expect(await again.commit([stateChange([stateEvent(1)])])).toMatchObject({ applied: 1 });
    await again.close();
  });

  it('refuses another schema or number of partitions', async () => {
    const directory = await temporaryDirectory();
    await (await openWriter(directory)).close();
    const schema = { ...STATE_SCHEMA, measures: ['price'] };
    await expect(openWriter(directory, { schema })).rejects.toEqual(code('SCHEMA_MISMATCH'));
    await expect(openWriter(directory, { partitions: 5 })).rejects.toMatchObject({
      code: 'PARTITIONS_MISMATCH',
      message: expect.stringMatching(/with \d+ partitions .* with 5: give --partitions \d+/),
    });
    await expect(openEmbeddedStateReader({ ...options, directory, schema })).rejects.toEqual(code('SCHEMA_MISMATCH'));
    await (await openWriter(directory)).close();
  });

  it('says what to do about a damaged or vanished database', async () => {
    const directory = await temporaryDirectory();
    const writer = await openWriter(directory);
    await writer.commit([stateChange([stateEvent(0)])]);
    await writer.close();
    const [manifest = ''] = (await readdir(directory)).filter((name) => name.startsWith('MANIFEST'));
    await writeFile(join(directory, manifest), 'not a manifest at all, and long enough to be read');
    const failure = await openWriter(directory).catch((error: unknown) => error);
    expect(hasCode(failure, 'STATE_CORRUPT') && failure.message).toContain('move that directory away');
    await rm(join(directory, 'CURRENT'));
    await expect(openWriter(directory)).rejects.toEqual(code('STATE_CORRUPT'));
  });

  it('is refused when what it was made with cannot be read', async () => {
    const directory = await temporaryDirectory();
    await (await openWriter(directory)).close();
    await writeFile(join(directory, 'META.json'), '{"format":');
    const failure = await openWriter(directory).catch((error: unknown) => error);
    expect(hasCode(failure, 'STATE_CORRUPT') && failure.message).toContain('META.json cannot be read');
  });

  it('is refused while another process has the state', async () => {
    const directory = await temporaryDirectory();
    const holder = fork(join(import.meta.dirname, 'hold-state.ts'), [JSON.stringify({ ...options, directory })]);
    onTestFinished(() => void holder.kill('SIGKILL'));
    await once(holder, 'message');
    await expect(openWriter(directory)).rejects.toEqual(code('DATA_DIRECTORY_LOCKED'));
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    await (await openWriter(directory)).close();
  });
});

describe('changes that cannot be', () => {
  it.each([
    ['kind', { kind: 2 }],
    ['time', { time: 2 ** 48 }],
    ['time', { time: -1 }],
    ['dimensions', { dimensions: ['x'] }],
    ['measures', { measures: [1, 2 ** 31] }],
    ['offset', { offset: 7 }],
  ])('are refused for their %s, and the next one is applied', async (field, given) => {
    const store = await open();
    const change = { ...stateChange([stateEvent(0, given)]), from: 0, to: 1 };
    await expect(store.writer.commit([change])).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', details: { field } });
    expect(await store.writer.commit([stateChange([stateEvent(0)])])).toMatchObject({ applied: 1 });
  });
});

it('lets queries wait while a reader recovers the state, and takes a new writer afterwards', async () => {
  const directory = await temporaryDirectory();
  const reader = await openEmbeddedStateReader({ ...options, directory });
  onTestFinished(() => reader.close());
  const first = await openWriter(directory);
  await first.commit([stateChange([stateEvent(0)])]);
  await first.close();
  const counts = Promise.all(Array.from({ length: 20 }, async () => (await reader.rollup(everything)).rows[0]?.count));
  const recovering = reader.recover?.();
  const later = reader.rollup(everything);
  await recovering;
  expect(new Set(await counts)).toEqual(new Set([1]));
  expect((await later).rows[0]?.count).toBe(1);
  const second = await openWriter(directory);
  await second.commit([stateChange([stateEvent(1)])]);
  expect((await reader.rollup(everything)).rows[0]?.count).toBe(2);
  await second.close();
});
