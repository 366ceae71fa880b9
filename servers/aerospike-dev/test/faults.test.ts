import { onAerospikeDev } from '@millrace/testkit';
import Aerospike from 'aerospike';
import type { AerospikeError } from 'aerospike';
import { afterEach, describe, expect, it } from 'vitest';
import { codeOf, withClient } from './with-client.ts';

const { operations } = Aerospike;

describe.runIf(onAerospikeDev)('faults, which only aerospike-dev can be told to make', () => {
  const subject = withClient();
  afterEach(() => subject().dev.faults.clear());

  it('9: a write that times out after it was applied is in doubt', async () => {
    const { client, key, dev } = subject();
    await client.put(key('doubt'), { n: 0 });
    await dev.faults.add({ kind: 'timeout-after-apply', commands: 'write', times: 1 });
    const error = await client.operate(key('doubt'), [operations.incr('n', 1)]).then(
      () => undefined,
      (reason: AerospikeError) => reason,
    );
    expect({ code: error?.code, inDoubt: error?.inDoubt }).toEqual({ code: 9, inDoubt: true });
    expect((await client.get(key('doubt'))).bins).toEqual({ n: 1 });
  });

  it('9: a command that is never answered times out in the client', async () => {
    const { client, key, dev } = subject();
    await dev.faults.add({ kind: 'silence-after-apply', times: 1 });
    const impatient = new Aerospike.WritePolicy({ totalTimeout: 2000, maxRetries: 0 });
    const error = await client.put(key('silence'), { n: 1 }, {}, impatient).then(
      () => undefined,
      (reason: AerospikeError) => reason,
    );
    expect({ code: error?.code, inDoubt: error?.inDoubt }).toEqual({ code: 9, inDoubt: true });
    expect((await client.get(key('silence'))).bins).toEqual({ n: 1 });
  });

  it('14 and 18: a hot key and an overloaded device refuse before anything is applied', async () => {
    const { client, key, set, dev } = subject();
    await client.put(key('hot'), { n: 0 });
    await dev.faults.add({ kind: 'hot-key', set, percent: 20 });
    const increment = () => codeOf(client.operate(key('hot'), [operations.incr('n', 1)]));
    const codes = await Promise.all(Array.from({ length: 200 }, increment));
    const refused = codes.filter((code) => code === 14).length;
    expect(refused).toBeGreaterThan(10);
    expect(refused).toBeLessThan(80);
    await dev.faults.clear();
    expect((await client.get(key('hot'))).bins).toEqual({ n: 200 - refused });
    await dev.faults.add({ kind: 'device-overload', times: 1 });
    expect(await increment()).toBe(18);
  });

  it('strikes only the namespace, the set and the commands that were named', async () => {
    const { client, key, set, dev } = subject();
    await client.put(key('named'), { n: 1 });
    await dev.faults.add({ kind: 'unavailable', namespace: 'other' });
    await dev.faults.add({ kind: 'unavailable', set: 'another' });
    await dev.faults.add({ kind: 'unavailable', set, commands: 'read' });
    expect(await codeOf(client.put(key('named'), { n: 2 }))).toBe(0);
    expect(await codeOf(client.get(key('named'), new Aerospike.ReadPolicy({ maxRetries: 0 })))).toBe(11);
    expect((await dev.faults.list()).map(({ struck }) => struck)).toEqual([0, 0, 1]);
  });

  it('cuts the connection before or after the command', async () => {
    const { client, key, dev } = subject();
    await client.put(key('cut'), { n: 0 });
    const increment = () => codeOf(client.operate(key('cut'), [operations.incr('n', 1)]));
    await dev.faults.add({ kind: 'disconnect', times: 1 });
    expect(await increment()).toBeLessThan(0);
    await dev.faults.add({ kind: 'disconnect-after-apply', times: 1 });
    expect(await increment()).toBeLessThan(0);
    expect((await client.get(key('cut'))).bins).toEqual({ n: 1 });
  });

  it('strikes single rows of a batch', async () => {
    const { client, key, dev } = subject();
    await dev.faults.add({ kind: 'hot-key', times: 1 });
    const rows = ['a', 'b'].map((name) => ({
      type: Aerospike.batchType.BATCH_WRITE,
      key: key(`row-${name}`),
      ops: [operations.write('n', 1)],
    }));
    expect((await client.batchWrite(rows)).map(({ status }) => status)).toEqual([14, 0]);
  });

  it('can be set by info commands', async () => {
    const { client, key } = subject();
    expect(await client.infoAny('millrace-fault-add:kind=timeout;commands=write;times=1')).toContain('ok;id=');
    expect(await codeOf(client.put(key('info'), { n: 1 }))).toBe(9);
    expect(await client.exists(key('info'))).toBe(false);
    const refused = await client.infoAny('millrace-fault-add:kind=flood').catch((error: Error) => error.message);
    expect(refused).toContain('kind of a fault cannot be flood');
  });

  it('refuses a fault that cannot be', async () => {
    const { dev } = subject();
    await expect(dev.faults.add({ kind: 'latency', percent: 0 })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('percent of a fault cannot be 0'),
    });
  });
});
