import { createServer, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { runMillrace, startMillrace } from '@millrace/testkit';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { LoadReport } from '../src/load/run.ts';

/** A proxy in front of a platform, as a load balancer that sees the frontend go and come again. */
async function startProxy(refuses: (request: IncomingMessage) => boolean) {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'millrace-load-'));
  onTestFinished(() => rm(dataDirectory, { recursive: true }));
  const token = 'a-token-of-the-test';
  const platform = await startMillrace({ dataDirectory, env: { MILLRACE_ADMIN_TOKEN: token } });
  onTestFinished(async () => void (await platform.stop()));
  const proxy = createServer((request, response) => {
    const answer = async (): Promise<void> => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      if (refuses(request)) {
        response.writeHead(503, { 'content-length': 4 }).end('away');
        return;
      }
      const { authorization, 'content-type': type } = request.headers;
      const headers = {
        'x-forwarded-for': '192.0.2.1',
        ...(authorization && { authorization }),
        ...(type && { 'content-type': type }),
      };
      const body = chunks.length === 0 ? {} : { body: Buffer.concat(chunks) };
      const from = await fetch(new URL(request.url ?? '/', platform.url), {
        method: request.method ?? 'GET',
        headers,
        ...body,
      });
      const text = await from.text();
      response
        .writeHead(from.status, from.status === 204 ? {} : { 'content-length': Buffer.byteLength(text) })
        .end(text);
    };
    answer().catch((error: unknown) => response.destroy(error as Error));
  }).listen(0, '127.0.0.1');
  onTestFinished(() => {
    proxy.close();
    proxy.closeAllConnections();
  });
  await once(proxy, 'listening');
  const { port } = proxy.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const load = (env: NodeJS.ProcessEnv = { MILLRACE_ADMIN_TOKEN: token }) =>
    runMillrace(['load', '--url', url, '--count', '2000', '--rate', '1000', '--freshness', '1h', '--json'], { env });
  return { url, load };
}

it('begins nothing that it could not end for want of a token', async () => {
  let tags = 0;
  const { url, load } = await startProxy(({ url: path }) => (path?.startsWith('/user_tags') && tags++, false));
  const { code, stderr } = await load({ MILLRACE_ADMIN_TOKEN: '' });
  expect(stderr).toContain(`error UNAUTHORIZED: ${url}: administration is for this machine`);
  expect(stderr).toContain('set MILLRACE_ADMIN_TOKEN');
  expect([code, tags]).toEqual([1, 0]);
});

it('asks again what failed, and tells failures from wrong answers', async () => {
  let profiles = 0;
  let always = false;
  const { load } = await startProxy(
    ({ url: path }) => path!.startsWith('/user_profiles') && (always || ++profiles % 10 === 5) && profiles < 100,
  );
  const healed = JSON.parse((await load()).stdout) as LoadReport;
  expect(healed).toMatchObject({ passed: true, mismatches: 0, uncompared: 0, failedQueries: { 503: 10 } });
  always = true;
  profiles = 0;
  const { code, stdout } = await load();
  const report = JSON.parse(stdout) as LoadReport;
  expect(report).toMatchObject({ passed: false, mismatches: 0, examples: [] });
  expect(report.uncompared).toBeGreaterThanOrEqual(1000);
  expect(code).toBe(1);
});
