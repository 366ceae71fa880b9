import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, it, onTestFinished } from 'vitest';

import { loadGenerator, runLoad } from '../src/http-load.ts';
import { mainThreadCpuUs, readProcessStats } from '../src/process-stats.ts';

it.runIf(process.platform === 'linux')('CPU and memory of a process are what it says of itself', async () => {
  const before = await readProcessStats(process.pid);
  const usedBefore = process.cpuUsage();
  while (process.cpuUsage(usedBefore).user < 300_000) JSON.stringify(process.versions);
  const used = process.cpuUsage(usedBefore);
  const after = await readProcessStats(process.pid);
  // Two readings of a clock that ticks every 10 ms; what happens between the readings counts, too.
  const cpuUs = after.cpuUs - before.cpuUs;
  expect(Math.abs(cpuUs - used.user - used.system)).toBeLessThan(100_000);
  const mainUs = mainThreadCpuUs(process.pid, after) - mainThreadCpuUs(process.pid, before);
  expect(mainUs).toBeGreaterThan(0);
  expect(mainUs).toBeLessThanOrEqual(cpuUs + 20_000);
  expect(after.memory.rss).toBeGreaterThan(after.memory.anonymous);
  expect(after.memory.anonymous).toBeGreaterThan(1e6);
});

it.each(['built-in', ...(loadGenerator() === 'wrk' ? (['wrk'] as const) : [])] as const)(
  'the load of %s arrives as it is written, and failures are counted',
  async (generator) => {
    const seen = new Set<string>();
    let answered = 0;
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        seen.add(
          `${request.method} ${request.url} ${request.headers['content-type']} ${Buffer.concat(chunks).toString()}`,
        );
        answered++;
        if (answered % 2 === 0) response.writeHead(503).end('{"code":"LOG_FULL"}');
        else response.writeHead(204).end();
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const directory = await mkdtemp(join(tmpdir(), 'millrace-load-'));
    onTestFinished(async () => {
      server.closeAllConnections();
      server.close();
      await rm(directory, { recursive: true });
    });
    const bodies = join(directory, 'bodies.txt');
    await writeFile(bodies, '{"a":"é"}\n{"b":1}\t{"b":2}\n');
    const { port } = server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/user_tags`;
    const load = { url, bodies, contentType: 'application/x-ndjson', connections: 4, seconds: 2 };
    const result = await runLoad(generator, load);
    expect([...seen].toSorted()).toEqual([
      'POST /user_tags application/x-ndjson {"a":"é"}',
      'POST /user_tags application/x-ndjson {"b":1}\n{"b":2}',
    ]);
    // wrk stops with requests under way; an answer to each connection may be uncounted.
    expect(Math.abs(result.requests - answered)).toBeLessThanOrEqual(4);
    expect(Math.abs(result.failed - answered / 2)).toBeLessThanOrEqual(4.5);
    expect(result.p99Ms).toBeGreaterThanOrEqual(result.p50Ms);
  },
);
