import { type AerospikeDevOptions, startAerospikeDev } from '@millrace/aerospike-dev';
import { MillraceError } from '@millrace/core';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';

import { parseAerospikeUrl } from '../src/address.ts';
import { connect } from '../src/client.ts';
import { plainAerospikeOptions } from '../src/connection-options.ts';
import { openAerospikeKeyValueStore } from '../src/key-value-store.ts';
import { bytesOfSet, namespaceInfo, slowerSync } from '../src/namespace-info.ts';
import { Records } from '../src/records.ts';
import { namespaceUrl } from './servers.ts';

it.each<[AerospikeDevOptions, boolean]>([
  [{ nsupPeriodMs: 1000 }, true],
  [{ nsupPeriodMs: 0 }, false],
  [{ nsupPeriodMs: 0, allowTtlWithoutNsup: true }, true],
])('with %j the namespace takes TTLs: %s, and expired keys are hidden either way', async (options, takesTtl) => {
  const server = await startAerospikeDev({ port: 0, namespaces: ['test'], ...options });
  try {
    const url = namespaceUrl(server).replace('/test', '/test/info');
    const connection = await connect(parseAerospikeUrl(url, plainAerospikeOptions).address);
    const records = new Records(connection, { timeoutMs: 60_000, closedError });
    expect(await namespaceInfo(records, 'test')).toEqual({ takesTtl, syncLagMs: undefined });
    const store = await openAerospikeKeyValueStore(url);
    await store.set('short', Buffer.from('x'), { ttlMs: 1 });
    await store.set('long', Buffer.from('x'), { ttlMs: 3_600_000 });
    await sleep(5);
    const found = await store.getMany(['short', 'long']);
    expect(found.map((entry) => entry?.value.length)).toEqual([undefined, 1]);
    expect(await bytesOfSet(records, 'test', 'info')).toBeGreaterThan(0);
    await store.close();
    await records.close();
  } finally {
    await server.stop();
  }
});

it.each([
  [0, 3000, 3000],
  [3000, 0, 3000],
  [3000, undefined, undefined],
  [undefined, 0, undefined],
])('of two namespaces that sync after %j and %j ms, both have after %j', (profiles, aggregates, both) => {
  expect(slowerSync(profiles, aggregates)).toBe(both);
});

const closedError = (): MillraceError => new MillraceError('NOT_RUNNING', 'closed');
