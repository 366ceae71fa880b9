import { createLogger, type JsonValue, openPublisher, type PublisherConfig } from '@millrace/core';
import { describe, expect, it, onTestFinished } from 'vitest';

import { openAerospikeRecords, type RecordReader } from '../../src/index.ts';
import { listOf } from '../list-of.ts';
import { withNamespace, withSet } from '../servers.ts';

const url = withNamespace();

async function open(config: PublisherConfig = {}) {
  const place = withSet(url());
  const publisher = await openPublisher(place, config);
  const records: RecordReader = await openAerospikeRecords(place);
  onTestFinished(async () => {
    await publisher.close();
    await records.close();
  });
  const publish = (value: unknown, key?: string): Promise<void> =>
    publisher.publish({ ...(key === undefined ? {} : { key }), value: value as JsonValue });
  return { publisher, publish, records };
}

describe('keys', () => {
  it('are the message’s, or the field __dagserver_key: a text, an integer or bytes', async () => {
    const { publish, records } = await open();
    await publish({ a: 1 }, 'text');
    await publish({ __dagserver_key: 'field', a: 2 });
    await publish({ __dagserver_key: 7, a: 3 });
    await publish({ __dagserver_key: '7', a: 4 });
    await publish({ __dagserver_key: Buffer.from([0, 9]), a: 5 });
    const found = await records.getMany(['text', 'field', 7, '7', Buffer.from([0, 9]), 'missing']);
    expect(found.map((record) => record?.bins)).toEqual([{ a: 1 }, { a: 2 }, { a: 3 }, { a: 4 }, { a: 5 }, undefined]);
    expect((await listOf(records.scan())).map(({ key }) => key)).toEqual(
      expect.arrayContaining(['text', 'field', 7, '7', Buffer.from([0, 9])]),
    );
  });

  it('are converted as key_type says', async () => {
    const integers = await open({ key_type: 'integer', key_field: 'id' });
    await integers.publish({ id: '-12', a: 1 });
    expect((await integers.records.get(-12))?.bins).toEqual({ a: 1 });
    await expect(integers.publish({ a: 1 }, 'x')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    const bytes = await open({ key_type: 'bytes' });
    await bytes.publish({ a: 1 }, '00ff');
    expect((await bytes.records.get(Buffer.from([0, 255])))?.bins).toEqual({ a: 1 });
    const texts = await open({ key_type: 'string' });
    await texts.publish({ __dagserver_key: 12, a: 1 });
    expect((await texts.records.get('12'))?.bins).toEqual({ a: 1 });
  });

  it.each([undefined, '', 0, null, false])('a key %j is none', async (key) => {
    const { publisher, publish } = await open();
    await expect(publish({ __dagserver_key: key, a: 1 })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('No __dagserver_key found in data'),
      details: { field: 'key' },
    });
    expect(publisher.details().publish_count).toBe(0);
  });

  it('none is only logged with on_missing_key=log, and not counted as published', async () => {
    const lines: string[] = [];
    const destination = { write: (line: string) => void lines.push(line) };
    const logger = createLogger({ level: 'warn', name: 'test', destination });
    const { publisher, publish, records } = await open({ on_missing_key: 'log', logger });
    await publish({ a: 1 });
    await publish({ a: 1 }, 'k');
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { reason: expect.stringContaining('No __dagserver_key found in data'), count: 1 },
    ]);
    expect(publisher.details()).toMatchObject({ offered: 1, publish_count: 1, skipped: 1, queue_depth: 0 });
    expect(await listOf(records.scan())).toHaveLength(1);
  });
});

describe('write_mode', () => {
  it('merge keeps other bins, replace does not', async () => {
    for (const [mode, bins] of [
      ['merge', { a: 1, b: 2 }],
      ['replace', { b: 2 }],
    ] as const) {
      const { publish, records } = await open({ write_mode: mode });
      await publish({ a: 1 }, 'k');
      await publish({ b: 2 }, 'k');
      expect((await records.get('k'))?.bins, mode).toEqual(bins);
    }
  });

  it('create refuses a record that exists, update one that does not', async () => {
    const create = await open({ write_mode: 'create' });
    await create.publish({ a: 1 }, 'k');
    await expect(create.publish({ a: 2 }, 'k')).rejects.toMatchObject({
      code: 'REFUSED',
      message: expect.stringContaining('5'),
    });
    const update = await open({ write_mode: 'update' });
    await expect(update.publish({ a: 2 }, 'k')).rejects.toMatchObject({ code: 'REFUSED' });
  });

  it('holds in batches, and refuses only the messages it must', async () => {
    const { publish, publisher, records } = await open({ write_mode: 'update' });
    const results = await Promise.allSettled([publish({ a: 1 }, 'x'), publish({ a: 2 }, 'y')]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await listOf(records.scan())).toEqual([]);
    expect(publisher.details()).toMatchObject({ offered: 2, refused: 2, publish_count: 0 });
  });

  it('keeps the order of messages with one key', async () => {
    const { publish, records } = await open({ write_mode: 'replace' });
    await Promise.all(Array.from({ length: 300 }, (_, n) => publish({ n }, `k${n % 7}`)));
    const found = await records.getMany(Array.from({ length: 7 }, (_, k) => `k${k}`));
    expect(found.map((record) => record?.bins['n'])).toEqual([294, 295, 296, 297, 298, 299, 293]);
    expect(found.reduce((sum, record) => sum + record!.generation, 0)).toBe(300);
  });
});

describe('generations', () => {
  it('eq: of 100 writes with one generation one is taken, 99 are refused', async () => {
    const { publish, records, publisher } = await open({ generation_policy: 'eq' });
    await publish({ n: -1, __generation: 0 }, 'k');
    expect(await records.get('k')).toMatchObject({ generation: 1, bins: { n: -1 } });
    const results = await Promise.allSettled(
      Array.from({ length: 100 }, (_, n) => publish({ n, __generation: 1 }, 'k')),
    );
    const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    expect(refused).toHaveLength(99);
    expect(refused[0]).toMatchObject({ code: 'REFUSED', message: expect.stringContaining('answered 3') });
    expect(await records.get('k')).toMatchObject({ generation: 2, bins: { n: 0 } });
    expect(publisher.details()).toMatchObject({ offered: 101, publish_count: 2, refused: 99 });
  });

  it('does not matter without the policy or the field', async () => {
    const { publish, records } = await open({ generation_policy: 'gt' });
    await publish({ a: 1 }, 'k');
    await expect(publish({ a: 2, __generation: 1 }, 'k')).rejects.toMatchObject({ code: 'REFUSED' });
    await publish({ a: 2, __generation: 9 }, 'k');
    await publish({ a: 3 }, 'k');
    expect((await records.get('k'))?.bins).toEqual({ a: 3 });
    await expect(publish({ a: 3, __generation: 1.5 }, 'k')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});

describe('the time to live', () => {
  it('is the configuration’s, or the message’s', async () => {
    const { publish, records } = await open({ ttl_seconds: 3600 });
    await publish({ a: 1 }, 'configured');
    await publish({ a: 1, __ttl_seconds: 1800 }, 'own');
    await publish({ a: 1, __ttl_seconds: -1 }, 'never');
    await publish({ a: 2, __ttl_seconds: -2 }, 'own');
    const [configured, own, never] = await records.getMany(['configured', 'own', 'never']);
    expect(configured?.ttlSeconds).toBeGreaterThan(1800);
    expect(configured?.ttlSeconds).toBeLessThanOrEqual(3600);
    expect(own?.bins).toEqual({ a: 2 });
    expect(own?.ttlSeconds).toBeLessThanOrEqual(1800);
    expect(never).toMatchObject({ ttlSeconds: undefined, bins: { a: 1 } });
    for (const ttl of [-3, 315_360_001, 'soon', null]) {
      await expect(publish({ a: 1, __ttl_seconds: ttl }, 'k')).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        details: { field: '__ttl_seconds' },
      });
    }
  });
});
