import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { startAerospikeDev } from '@millrace/aerospike-dev';
import { expect, it, onTestFinished } from 'vitest';
import { usedSpace } from '../src/aerospike/database-info.ts';
import { startMeasuredDatabase } from '../src/aerospike/measured-database.ts';
import { listeningProcess } from '../src/listening-process.ts';

/** The environment that names a server, which is not ours, with one record. */
async function serverWithRecord(): Promise<{ readonly AEROSPIKE_URL: string }> {
  const server = await startAerospikeDev({ port: 0, namespaces: ['test', 'other'] });
  onTestFinished(() => server.stop());
  const env = { AEROSPIKE_URL: `aerospike://${server.hosts}/test?aggregates_namespace=other` };
  const database = await startMeasuredDatabase(env);
  await database.client.put({ ns: 'other', set: 'demo', key: 1 }, { n: 1 });
  database.client.close(false);
  return env;
}

it('measures a server that is named only where nobody has records', async () => {
  const env = await serverWithRecord();
  await expect(startMeasuredDatabase(env)).rejects.toThrow(/namespace other has 1 records.*AEROSPIKE_TRUNCATE=1/);
});

it('leaves the namespaces empty, before and after', async () => {
  const env = { ...(await serverWithRecord()), AEROSPIKE_TRUNCATE: '1' };
  const database = await startMeasuredDatabase(env);
  expect((await usedSpace(database.client, 'other')).records).toBe(0);
  await database.client.put({ ns: 'test', set: 'demo', key: 1 }, { n: 1 });
  expect((await usedSpace(database.client, 'test')).records).toBe(1);
  await database.stop();
  const again = await startMeasuredDatabase({ AEROSPIKE_URL: env.AEROSPIKE_URL });
  await again.stop();
});

it('says what the server is, and takes no other process for it', async () => {
  const database = await startMeasuredDatabase({ ...(await serverWithRecord()), AEROSPIKE_TRUNCATE: '1' });
  expect(database.name).toMatch(/^aerospike-dev at 127\.0\.0\.1:\d+$/);
  expect(database.processes).toEqual([]);
  await database.stop();
});

it('refuses a URL without a namespace', async () => {
  const env = { AEROSPIKE_URL: 'aerospike://localhost:3000' };
  await expect(startMeasuredDatabase(env)).rejects.toThrow('write aerospike://localhost:3000/profiles');
});

it.runIf(process.platform === 'linux')('finds the process that listens on a port', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  expect(await listeningProcess(port)).toBe(process.pid);
  server.close();
  await once(server, 'close');
  expect(await listeningProcess(port)).toBeUndefined();
});
