import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { runMillrace } from '@millrace/testkit';
import { expect, it, onTestFinished } from 'vitest';

/** What a frontend answers whose log is on Kafka and whose state is empty. */
const STATUS = {
  state: 'running',
  startedAt: 0,
  accepted: 1,
  late: 0,
  duplicates: 0,
  deadLetters: 0,
  lag: { records: 0, ms: 0 },
  stateBytes: 2000,
  frontend: { tagLatencyP99Ms: 1 },
};

it('says that a size is unknown where the log does not tell it', async () => {
  const server = createServer((_, response) => response.end(JSON.stringify(STATUS))).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const { code, stdout } = await runMillrace(['status', '--url', `http://127.0.0.1:${port}`]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/size of the log +unknown: its server knows\n/);
  expect(stdout).toMatch(/size of the state +2\.0 kB/);
});
