import { Agent, get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { createLogger, createMetrics } from '@millrace/core';
import { freePort } from '@millrace/testkit';
import { describe, expect, it } from 'vitest';
import { createFrontend } from '../../src/frontend/index.ts';
import { NOW, OPTIONS, RUNNING, startFrontend, TAG } from './support/frontend.ts';
import { MemoryBackend } from './support/memory-backend.ts';
import { RawClient, requestText } from './support/raw-client.ts';

/** A deadline that no test lives to see: what waits for it fails. */
const NEVER_MS = 3_600_000;

describe('start and stop', () => {
  it('answers what is in flight, then frees the port', async () => {
    // One that systems give to nobody: of those that they do, an outgoing connection may have taken it meanwhile.
    const port = await freePort();
    const { postTag, backend, frontend, url } = await startFrontend({ port });
    const { promise, resolve } = Promise.withResolvers<void>();
    backend.gate = promise;
    const answer = postTag(TAG);
    await expect.poll(() => backend.appends).toBe(1);
    const stopped = frontend.stop({ deadlineMs: NEVER_MS });
    await expect(fetch(`${url}/health`)).rejects.toThrow();
    resolve();
    expect((await answer).status).toBe(204);
    await stopped;
    const second = await startFrontend({ port });
    expect((await second.request('/health')).status).toBe(200);
  });

  it('answers a batch that is in flight', async () => {
    const { request, backend, frontend, url } = await startFrontend();
    const { promise, resolve } = Promise.withResolvers<void>();
    backend.gate = promise;
    const answer = request('/user_tags/batch', {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: JSON.stringify(TAG),
    });
    await expect.poll(() => backend.appends).toBe(1);
    const idle = connect(Number(new URL(url).port), '127.0.0.1');
    await once(idle, 'connect');
    const swept = once(idle, 'close');
    idle.resume();
    const stopped = frontend.stop({ deadlineMs: NEVER_MS });
    await swept;
    resolve();
    expect((await answer).status).toBe(200);
    await stopped;
  });

  it('does not wait for idle connections', async () => {
    const { frontend, url } = await startFrontend();
    const agent = new Agent({ keepAlive: true });
    const [response] = (await once(get(`${url}/health`, { agent }), 'response')) as [IncomingMessage];
    response.resume();
    await once(response, 'end');
    const silent = connect(Number(new URL(url).port), '127.0.0.1');
    await once(silent, 'connect');
    const closed = once(silent, 'close');
    silent.resume();
    await frontend.stop({ deadlineMs: NEVER_MS });
    await closed;
    agent.destroy();
  });

  it.for(['/user_tags', '/user_tags/batch'])(
    'does not wait for a client that has its answer and keeps its side open: %s',
    async (path) => {
      const destination = new PassThrough({ encoding: 'utf8' });
      const logger = createLogger({ level: 'warn', name: 'test', destination });
      const { backend, frontend, url } = await startFrontend({}, logger);
      const gate = Promise.withResolvers<void>();
      backend.gate = gate.promise;
      const client = await RawClient.connect(url, { allowHalfOpen: true });
      client.socket.write(
        requestText(`POST ${path} HTTP/1.1`, ['Content-Type: application/json'], JSON.stringify(TAG)),
      );
      await expect.poll(() => backend.appends).toBe(1);
      const idle = await RawClient.connect(url);
      const stopped = frontend.stop({ deadlineMs: NEVER_MS });
      await idle.closed;
      gate.resolve();
      await stopped;
      await expect.poll(() => client.received).toMatch(/^HTTP\/1\.1 20[04] /);
      // At the deadline it would be cut off, and said so.
      expect(destination.read()).toBeNull();
    },
  );

  it('cuts off at the deadline what does not end', async () => {
    const { postTag, backend, frontend } = await startFrontend();
    backend.gate = new Promise(() => {});
    const answer = postTag(TAG);
    const refused = expect(answer).rejects.toThrow();
    await expect.poll(() => backend.appends).toBe(1);
    await frontend.stop({ deadlineMs: 50 });
    await refused;
  });

  it('can be stopped twice, and does not start again', async () => {
    const { frontend } = await startFrontend();
    await Promise.all([frontend.stop(), frontend.stop()]);
    await expect(frontend.start()).rejects.toMatchObject({ code: 'ILLEGAL_TRANSITION' });
  });

  it('says what to do when the port is taken', async () => {
    const { url } = await startFrontend();
    const port = Number(new URL(url).port);
    const { log, state } = new MemoryBackend();
    const logger = createLogger({ level: 'silent', name: 'test' });
    const metrics = createMetrics({ process: false });
    const second = await createFrontend(
      { log, state, logger, metrics, now: () => NOW, status: () => RUNNING },
      { ...OPTIONS, port },
    );
    await expect(second.start()).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining('choose another --port') as string,
      details: { field: 'port', value: port },
    });
    await second.stop();
  });
});
