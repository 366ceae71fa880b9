import { onAerospikeDev } from '@millrace/testkit';
import Aerospike from 'aerospike';
import type { AerospikeError, Client } from 'aerospike';
import { describe, expect, it, vi } from 'vitest';
import { codeOf, withClient } from './with-client.ts';

/** The client asks the cluster once a second. */
const seen = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 60_000, interval: 100 });

const nodesOf = (client: Client): number => client.getNodes().length;

const RECORDS = 300;

describe.runIf(onAerospikeDev)('several nodes, which come and go', () => {
  const subject = withClient({ nodes: 3 });

  it('are one cluster, which loses a node and gets it back without losing a record', async () => {
    const { client, key, dev } = subject();
    expect(nodesOf(client)).toBe(3);
    const keys = Array.from({ length: RECORDS }, (_, n) => key(`node-${n}`));
    await Promise.all(keys.map((each, n) => client.put(each, { n })));

    await dev.loseNode(1);
    await seen(() => expect(nodesOf(client)).toBe(2));
    const retrying = new Aerospike.ReadPolicy({ totalTimeout: 20_000, maxRetries: 10 });
    await seen(async () => {
      const codes = await Promise.all(keys.map((each) => codeOf(client.get(each, retrying))));
      expect(codes.filter((code) => code !== 0)).toEqual([]);
    });
    await seen(() => client.put(key('while-two'), { n: 1 }).then(() => undefined));

    await dev.returnNode(1);
    await seen(() => expect(nodesOf(client)).toBe(3));
    await seen(async () => {
      const read = await Promise.all(keys.map(async (each) => (await client.get(each, retrying)).bins['n']));
      expect(read).toEqual(Array.from({ length: RECORDS }, (_, n) => n));
      expect((await client.get(key('while-two'), retrying)).bins).toEqual({ n: 1 });
    });
  });

  it('are scanned completely, also after the partitions have moved', async () => {
    const { client, namespace, set, dev } = subject();
    await dev.movePartitions();
    await seen(async () => expect(await client.scan(namespace, set).results()).toHaveLength(RECORDS + 1));
  });

  it('apply every acknowledged write once, and none twice, while nodes go and writes fail in doubt', async () => {
    const { client, key, dev } = subject();
    await dev.faults.add({ kind: 'timeout-after-apply', commands: 'write', percent: 1 });
    await dev.faults.add({ kind: 'disconnect-after-apply', commands: 'write', percent: 1 });
    const once = new Aerospike.OperatePolicy({ maxRetries: 0, totalTimeout: 20_000 });
    const increment = [Aerospike.operations.incr('n', 1)];
    const counts = { acknowledged: 0, inDoubt: 0 };
    const ending = new AbortController();
    const writers = Array.from({ length: 20 }, async (_, writer) => {
      while (!ending.signal.aborted) {
        await client.operate(key(`count-${writer}`), increment, {}, once).then(
          () => counts.acknowledged++,
          ({ inDoubt }: AerospikeError) => (counts.inDoubt += Number(inDoubt)),
        );
      }
    });
    await dev.loseNode(2);
    await seen(() => expect(nodesOf(client)).toBe(2));
    await dev.returnNode(2);
    await seen(() => expect(nodesOf(client)).toBe(3));
    await seen(() => expect(counts.inDoubt).toBeGreaterThan(0));
    ending.abort();
    await Promise.all(writers);
    await dev.faults.clear();

    const counters = writers.map((_, writer) => key(`count-${writer}`));
    let total = 0;
    await seen(async () => {
      const records = await Promise.all(counters.map((counter) => client.get(counter)));
      total = records.reduce((sum, { bins }) => sum + (bins['n'] as number), 0);
    });
    expect(total).toBeGreaterThanOrEqual(counts.acknowledged);
    expect(total).toBeLessThanOrEqual(counts.acknowledged + counts.inDoubt);
  });

  it('refuses a node that there is not', async () => {
    await expect(subject().dev.loseNode(3)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('the nodes are 0 to 2'),
    });
  });
});
