import {
  type RedisServer,
  serverAvailable,
  startRedis,
  startTcpProxy,
  STATE_SCHEMA,
  stateChange,
  stateEvent,
} from '@millrace/testkit';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { openRedisStateReader, openRedisStateWriter } from '../../src/state-store.ts';
import { prefixed } from './fixture.ts';

const options = { schema: STATE_SCHEMA, partitions: 3 };
const code = (code: string) => expect.objectContaining({ code });

async function openWriter(url: string) {
  const writer = await openRedisStateWriter(url, options);
  onTestFinished(() => writer.close());
  return writer;
}

async function openReader(url: string) {
  const reader = await openRedisStateReader(url, options);
  onTestFinished(() => reader.close());
  return reader;
}

describe.skipIf(!serverAvailable('redis'))('the owners of partitions', () => {
  let server: RedisServer;
  let url: string;
  beforeEach(async () => {
    server = await startRedis();
    url = prefixed(server.url);
  });
  afterEach(() => server.stop());

  it('commit to different partitions side by side', async () => {
    const writers = await Promise.all([0, 1, 2].map(() => openWriter(url)));
    const reader = await openReader(url);
    await Promise.all(writers.map((writer, partition) => writer.committed(partition)));
    for (let offset = 0; offset < 30; offset++) {
      await Promise.all(
        writers.map((writer, partition) =>
          writer.commit([stateChange([stateEvent(offset, { key: `key ${partition}` })], { partition })]),
        ),
      );
    }
    for (const partition of [0, 1, 2]) {
      expect(await reader.committed(partition)).toBe(30);
      const all = { kind: 0, from: 0, to: Infinity, limit: 100 };
      expect(await reader.timeline(`key ${partition}`, all)).toHaveLength(30);
    }
  });

  it('are fenced by whoever takes their partition over', async () => {
    const [first, second] = [await openWriter(url), await openWriter(url)];
    const reader = await openReader(url);
    await first.commit([stateChange([stateEvent(0)]), stateChange([stateEvent(0)], { partition: 1 })]);
    expect(await second.committed(0)).toBe(1);
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(first.commit([stateChange([stateEvent(1)])])).rejects.toEqual(code('STALE_OWNER'));
    }
    expect(await reader.committed(0)).toBe(1);
    // Other partitions stay with their owner.
    await first.commit([stateChange([stateEvent(1)], { partition: 1 })]);
    await second.commit([stateChange([stateEvent(1)])]);
    // Asking for the offset is how the log's new assignment reaches the state.
    expect(await first.committed(0)).toBe(2);
    await expect(second.commit([stateChange([stateEvent(2)])])).rejects.toEqual(code('STALE_OWNER'));
    await first.commit([stateChange([stateEvent(2)])]);
    expect(await reader.committed(0)).toBe(3);
  });

  it('do not take a partition back that they lost while they were cut off', async () => {
    const proxy = await startTcpProxy({ target: server });
    onTestFinished(() => proxy.stop());
    const through = url.replace(String(server.port), String(proxy.port));
    const [zombie, owner] = [await openWriter(`${through}&retry-timeout=200ms`), await openWriter(url)];
    await zombie.commit([stateChange([stateEvent(0)])]);
    proxy.refuse();
    proxy.cut();
    await expect(zombie.commit([stateChange([stateEvent(1)])])).rejects.toEqual(code('UNAVAILABLE'));
    expect(await owner.committed(0)).toBe(1);
    await owner.commit([stateChange([stateEvent(1)])]);
    await proxy.accept();
    await expect(zombie.commit([stateChange([stateEvent(1)])])).rejects.toEqual(code('STALE_OWNER'));
    expect(await owner.commit([stateChange([stateEvent(2)])])).toMatchObject({ applied: 1 });
  });

  it('learn of writes that Redis has lost, and so do readers', async () => {
    const [writer, reader] = [await openWriter(url), await openReader(url)];
    const all = { kind: 0, from: 0, to: Infinity, limit: 100 };
    await writer.commit([stateChange([stateEvent(0, { dimensions: ['Nike', 'PL', '1'] })])]);
    expect(await reader.timeline('alice', all)).toHaveLength(1);
    // Nothing was on disk: everything is gone.
    await server.restart();
    await expect(writer.commit([stateChange([stateEvent(1)])])).rejects.toEqual(code('COMMIT_GAP'));
    expect(await writer.committed(0)).toBeUndefined();
    await writer.commit([stateChange([stateEvent(0, { dimensions: ['Puma', 'DE', '1'] })])]);
    const [entry] = await reader.timeline('alice', all);
    expect(entry?.dimensions).toEqual(['Puma', 'DE', '1']);
  });
});

describe.skipIf(!serverAvailable('redis'))('a state', () => {
  it('is opened only as it was made', async () => {
    const server = await startRedis();
    onTestFinished(() => server.stop());
    const url = prefixed(server.url);
    await openWriter(url);
    await expect(openRedisStateReader(url, { ...options, partitions: 4 })).rejects.toEqual(code('PARTITIONS_MISMATCH'));
    const schema = { ...STATE_SCHEMA, measures: ['price'] };
    await expect(openRedisStateWriter(url, { ...options, schema })).rejects.toEqual(code('SCHEMA_MISMATCH'));
    await expect(openRedisStateWriter(`${url}&retry-timeot=1s`, options)).rejects.toThrow(
      'did you mean retry-timeout?',
    );
  });
});
