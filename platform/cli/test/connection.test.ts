import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { Connection } from '../src/load/connection.ts';

async function listening(
  answer: 'at once' | 'never',
): Promise<{ url: URL; closeAll: () => void; connections: () => number }> {
  let connections = 0;
  const server = createServer((_request, response) => {
    if (answer === 'at once') response.writeHead(200, { 'content-length': 2 }).end('ok');
  });
  server.on('connection', () => connections++);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const closeAll = (): void => server.closeAllConnections();
  onTestFinished(() => {
    closeAll();
    server.close();
  });
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return { url, closeAll, connections: () => connections };
}

const REQUEST = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n';

it('opens another connection after the server has closed one that nothing was asked on', async () => {
  const server = await listening('at once');
  const lost: unknown[] = [];
  const connection = new Connection(server.url, (error) => lost.push(error));
  const ask = (): Promise<string> => new Promise((resolve) => connection.send(REQUEST, (_, body) => resolve(body)));
  expect(await ask()).toBe('ok');
  expect(await ask()).toBe('ok');
  expect(server.connections()).toBe(1);
  server.closeAll();
  // The end of the connection must have arrived; a request sent into it would be lost.
  await expect.poll(() => connection.isOpen).toBe(false);
  expect(await ask()).toBe('ok');
  expect(server.connections()).toBe(2);
  connection.close();
  expect(lost).toEqual([]);
});

it('opens another connection after an answer that says it is the last', async () => {
  const sockets = new Set<unknown>();
  const server = createServer((request, response) => {
    sockets.add(request.socket);
    const isTag = request.method === 'POST';
    response.writeHead(isTag ? 204 : 200, { connection: 'close', ...(!isTag && { 'content-length': 2 }) });
    response.end(isTag ? undefined : 'ok');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const lost: unknown[] = [];
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const connection = new Connection(url, (error) => lost.push(error));
  const TAG = 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n';
  for (const [text, status] of [
    [REQUEST, 200],
    [TAG, 204],
    [TAG, 204],
    [REQUEST, 200],
  ] as const) {
    expect(await new Promise((resolve) => connection.send(text, resolve))).toBe(status);
    expect(connection.isOpen).toBe(false);
  }
  expect(sockets.size).toBe(4);
  expect(lost).toEqual([]);
});

it('tells when the connection ends before the answer', async () => {
  const server = await listening('never');
  const lost = Promise.withResolvers<unknown>();
  const connection = new Connection(server.url, lost.resolve);
  connection.send(REQUEST, () => lost.reject(new Error('there was no answer')));
  await expect.poll(server.connections).toBe(1);
  server.closeAll();
  expect(await lost.promise).toMatchObject({
    code: 'NOT_RUNNING',
    message: expect.stringContaining('answers no more'),
  });
});
