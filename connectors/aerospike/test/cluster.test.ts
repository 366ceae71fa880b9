import { setTimeout as sleep } from 'node:timers/promises';
import { type AerospikeDev, startAerospikeDev } from '@millrace/aerospike-dev';
import type { KeyValueStore, StateReader, StateWriter } from '@millrace/core';
import { freePort, STATE_MINUTE, STATE_SCHEMA, STATE_START, stateChange, stateEvent } from '@millrace/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

import { openAerospikeKeyValueStore } from '../src/key-value-store.ts';
import { openAerospikeRecords } from '../src/read/record-reader.ts';
import { openAerospikeStateReader, openAerospikeStateWriter } from '../src/state-store.ts';
import { namespaceUrl, withSet } from './servers.ts';

const STATE = { schema: STATE_SCHEMA, partitions: 3, keep: 1000, retentionMs: 24 * 3_600_000 };
const MINUTE = { from: STATE_START, to: STATE_START + STATE_MINUTE, where: {}, groupBy: [], limit: 10 };
const NEWEST = { kind: 0, from: 0, to: Infinity, limit: 1000 };
/** Longer than the client's pause between two looks at the cluster. */
const LOOK_MS = 1500;
const PAUSE_MS = 5;
const KEYS = Array.from({ length: 60 }, (_, n) => `key-${n}`);

async function filledStore(url: string): Promise<KeyValueStore> {
  const store = await openAerospikeKeyValueStore(url);
  onTestFinished(() => store.close());
  await Promise.all(KEYS.map((key) => store.set(key, Buffer.from(key))));
  return store;
}

async function openState(url: string): Promise<{ readonly writer: StateWriter; readonly reader: StateReader }> {
  const writer = await openAerospikeStateWriter(url, STATE);
  const reader = await openAerospikeStateReader(url, STATE);
  onTestFinished(() => reader.close());
  onTestFinished(() => writer.close());
  return { writer, reader };
}

/** Commits one event after the other, and looks after each commit whether it is there. */
async function commitAndLook(writer: StateWriter, reader: StateReader, from: number, to: number): Promise<void> {
  for (let offset = from; offset < to; offset++) {
    await writer.commit([stateChange([stateEvent(offset, { key: 'alice' })])]);
    const [committed, timeline, { rows }] = await Promise.all([
      reader.committed(0),
      reader.timeline('alice', NEWEST),
      reader.rollup(MINUTE),
    ]);
    expect([committed, timeline.length, rows[0]?.count]).toEqual([offset + 1, offset + 1, offset + 1]);
  }
}

describe('a cluster of three nodes', () => {
  let server: AerospikeDev;
  beforeAll(async () => {
    // Not of the system's choice: a lost node wants its port again.
    server = await startAerospikeDev({ port: await freePort(3), nodes: 3, namespaces: ['test'] });
  });
  afterAll(() => server.stop());
  afterEach(() => server.faults.clear());

  /** Replicas that have nothing yet, and reads that the masters leave unanswered, so that the client tries again. */
  const staleReplicas = async (percent: number): Promise<void> => {
    await server.faults.add({ kind: 'stale-replica' });
    await server.faults.add({ kind: 'disconnect', commands: 'read', percent });
  };

  it('never answers a key-value store with what a replica has', async () => {
    const store = await filledStore(withSet(namespaceUrl(server)));
    await staleReplicas(30);
    for (let round = 0; round < 5; round++) {
      const found = await Promise.all(KEYS.map(async (key) => (await store.getMany([key]))[0]?.value.toString()));
      expect(found).toEqual(KEYS);
    }
  });

  it('never answers the read helpers with what a replica has', async () => {
    const url = withSet(namespaceUrl(server));
    await filledStore(url);
    const records = await openAerospikeRecords(`${url}&max_retries=20`);
    onTestFinished(() => records.close());
    // The client gives a node up for a while that fails a hundred times a second.
    await staleReplicas(10);
    for (let round = 0; round < 2; round++) {
      const one = await Promise.all(KEYS.map((key) => records.get(Buffer.from(key))));
      const many = await Promise.all(KEYS.map((key) => records.getMany([Buffer.from(key)])));
      expect([...one, ...many.flat()]).not.toContain(undefined);
    }
  });

  it('never shows a state before what was committed: connections break, and replicas are behind', async () => {
    const { writer, reader } = await openState(withSet(namespaceUrl(server)));
    await staleReplicas(5);
    await commitAndLook(writer, reader, 0, 60);
  });

  it('never shows a state before what was committed, and counts once: clients that do not know yet who has what', async () => {
    const url = withSet(namespaceUrl(server));
    const { writer, reader } = await openState(url);
    await server.faults.add({ kind: 'stale-replica' });
    let offset = 0;
    for (let move = 0; move < 2; move++) {
      await server.movePartitions();
      // Clients look at the cluster once a second: first all commits go by the map of before, then none.
      for (const end = Date.now() + LOOK_MS; Date.now() < end; offset++) {
        await commitAndLook(writer, reader, offset, offset + 1);
        // A quick machine would commit more events in that time than the state keeps of one key.
        await sleep(PAUSE_MS);
      }
    }
    const other = await openState(url);
    expect(await other.writer.committed(0)).toBe(offset);
  });

  it('never shows a state before what was committed while a node goes and comes', async () => {
    const { writer, reader } = await openState(withSet(namespaceUrl(server)));
    await commitAndLook(writer, reader, 0, 10);
    await server.loseNode(1);
    await commitAndLook(writer, reader, 10, 40);
    await server.returnNode(1);
    await commitAndLook(writer, reader, 40, 70);
  });
});
