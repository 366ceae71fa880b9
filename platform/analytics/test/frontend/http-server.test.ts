import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createHttpServer, refuseConnection, type HttpTimeouts } from '../../src/frontend/http-server.ts';
import { RawClient, requestText } from './support/raw-client.ts';

const PATIENT: HttpTimeouts = { headersMs: 60_000, requestMs: 60_000, silenceMs: 60_000 };

/** A server whose every request is answered so. */
async function startServer(
  timeouts: Partial<HttpTimeouts>,
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ url: string; sockets: readonly Socket[] }> {
  const route = { methods: [], path: '/direct', summary: '', answers: {}, handle };
  const server = createHttpServer(route, handle, { ...PATIENT, ...timeouts });
  server.on('clientError', refuseConnection);
  const sockets: Socket[] = [];
  server.on('connection', (socket: Socket) => sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, sockets };
}

/** Of a connection whose request is there: on a busy machine so short a time would be over before. */
function shortenSilence({ socket }: IncomingMessage): void {
  expect(socket.timeout).toBe(PATIENT.silenceMs);
  socket.setTimeout(20);
}

const GET = requestText('GET / HTTP/1.1', []);

describe('a client that does not read its answer', () => {
  it.for(['keep-alive', 'close'])('is not kept for ever with it, Connection: %s', async (connection) => {
    const { url, sockets } = await startServer({}, (request, response) => {
      shortenSilence(request);
      response.writeHead(200, { connection }).end(Buffer.alloc(64 * 1024 * 1024));
    });
    const client = await RawClient.connect(url);
    client.socket.pause();
    client.socket.write(GET);
    await expect.poll(() => sockets[0]?.destroyed).toBe(true);
    expect(sockets[0]!.bytesRead).toBe(GET.length);
  });

  it('is no client that has to wait for its answer', async () => {
    const { url } = await startServer({}, (request, response) => {
      shortenSilence(request);
      // Silent for so long already when this is said.
      response.once('timeout', () => response.end('late'));
    });
    const client = await RawClient.connect(url);
    client.socket.write(requestText('GET / HTTP/1.1', ['Connection: close']));
    expect(await client.closed).toMatch(/^HTTP\/1\.1 200 .*late/s);
  });
});

describe('a request that takes too long', () => {
  it.for(['GET / HTTP/1.1\r\nHost:', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{'])(
    'is refused with 408 and coded JSON: %j',
    async (text) => {
      const { url } = await startServer({ headersMs: 20, requestMs: 20 }, (request) => {
        request.on('error', () => 'told that it is incomplete').resume();
      });
      const client = await RawClient.connect(url);
      client.socket.write(text);
      expect(await client.closed).toMatch(/^HTTP\/1\.1 408 .*\r\nconnection: close\r\n.*"code":"INVALID_ARGUMENT"/s);
    },
  );
});
