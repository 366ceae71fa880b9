import { type AerospikeDev, startAerospikeDev } from '@millrace/aerospike-dev';
import { freePort } from '@millrace/testkit';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { parseAerospikeUrl } from '../src/address.ts';
import { connect } from '../src/client.ts';
import { plainAerospikeOptions } from '../src/connection-options.ts';
import { openAerospikeKeyValueStore } from '../src/key-value-store.ts';
import { namespaceUrl } from './servers.ts';

const address = (url: string) => parseAerospikeUrl(url, plainAerospikeOptions).address;

describe('connecting to Aerospike', () => {
  let server: AerospikeDev;
  beforeAll(async () => {
    server = await startAerospikeDev({ port: 0, namespaces: ['test', 'other'], initialisingMs: 300 });
  });
  afterAll(() => server.stop());

  it('waits until a server that has just started serves', async () => {
    const connection = await connect(address(namespaceUrl(server)));
    expect(await connection.client.exists({ ns: 'test', set: 's', key: 'k' })).toBe(false);
    connection.close();
    connection.close();
  });

  it('names the namespaces that there are when it is none of them', async () => {
    await expect(connect(address(`aerospike://${server.hosts}/missing`))).rejects.toMatchObject({
      code: 'REFUSED',
      message: expect.stringContaining('use one of test, other') as string,
      details: { field: 'namespace', value: 'missing' },
    });
  });

  it('says UNAVAILABLE when nobody listens', async () => {
    const url = `aerospike://127.0.0.1:${await freePort()}/test?connect_timeout=200ms`;
    await expect(connect(address(url))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('says UNAVAILABLE for a cluster of another name', async () => {
    const url = `aerospike://${server.hosts}/test?cluster_name=another&connect_timeout=200ms`;
    await expect(connect(address(url))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('says UNAVAILABLE also for batches when the last node has gone', async () => {
    const own = await startAerospikeDev({ port: 0 });
    const store = await openAerospikeKeyValueStore(`aerospike://${own.hosts}/test?retry_timeout=0ms`);
    await own.stop();
    await expect
      .poll(() => store.getMany(['key']).catch((error: unknown) => error))
      .toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining('cluster is empty') as string });
    await store.close();
  });

  it('leaves the console alone while nobody listens', async () => {
    const module = JSON.stringify(new URL('../src/index.ts', import.meta.url).href);
    const url = `aerospike://127.0.0.1:${await freePort()}/test?connect_timeout=50ms`;
    const program =
      `import{openAerospikeRecords}from${module};` +
      `await openAerospikeRecords(${JSON.stringify(url)}).catch(({code})=>console.log(code))`;
    const run = promisify(execFile);
    const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '--eval', program]);
    expect([stdout, stderr]).toEqual(['UNAVAILABLE\n', '']);
  });

  it('refuses to be loaded in a worker thread, where the official client ends the process', async () => {
    const module = new URL('../src/client.ts', import.meta.url).href;
    const source = `
      const { parentPort } = require('node:worker_threads');
      import(${JSON.stringify(module)})
        .then(({ connect }) => connect({ connectTimeout: 100, display: 'x', namespace: 'test' }))
        .catch((error) => parentPort.postMessage(error.code));`;
    const worker = new Worker(source, { eval: true });
    const code = await new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    await worker.terminate();
    expect(code).toBe('NOT_SUPPORTED');
  });
});
