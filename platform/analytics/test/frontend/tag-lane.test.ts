import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLogger, MillraceError } from '@millrace/core';
import * as fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FrontendMetrics } from '../../src/frontend/metrics.ts';
import { TagIntake } from '../../src/frontend/tag-intake.ts';
import { TagLane, type TagLaneOptions } from '../../src/frontend/tag-lane.ts';
import { NOW, startFrontend, TAG, tagWith, type TestFrontend } from './support/frontend.ts';
import { MemoryBackend } from './support/memory-backend.ts';
import { RawClient, requestText, tagRequest } from './support/raw-client.ts';

const JSON_TAG = JSON.stringify(TAG);

/** What of the answers must not depend on the way that they came. */
const withoutDates = (text: string): string => text.replaceAll(/^Date: .*\r\n/gim, '').replaceAll(/"uptime[^,}]*/g, '');

const statuses = (text: string): string[] => [...text.matchAll(/HTTP\/1.1 (\d+)/g)].map(([, status]) => status!);

/** Requests are logged, and so all of them go through Node's parser. */
const startWithoutLane = (): Promise<TestFrontend> =>
  startFrontend({ logHeaders: true }, createLogger({ level: 'silent', name: 'test' }));

const PIECES = [
  tagRequest(JSON_TAG),
  tagRequest(JSON_TAG, 'Idempotency-Key: k', 'Connection: keep-alive', 'User-Agent: x'),
  tagRequest('{"time":'),
  tagRequest(JSON.stringify(tagWith({ cookie: '' }))),
  tagRequest(JSON_TAG, 'Idempotency-Key: two words'),
  tagRequest(JSON_TAG, 'Content-Encoding: gzip'),
  tagRequest(`"${'x'.repeat(70_000)}"`),
  requestText('POST /user_tags HTTP/1.1', ['Content-Type: text/plain'], JSON_TAG),
  requestText('POST /user_tags?x=1 HTTP/1.1', ['Content-Type: application/json'], JSON_TAG),
  requestText('POST /user_profiles/nobody?time_range=2022-03-22T12:15:00_2022-03-22T12:30:00 HTTP/1.1', []),
  requestText('GET /nowhere HTTP/1.1', []),
  requestText('QUERY /user_tags HTTP/1.1', [], JSON_TAG),
  tagRequest(JSON_TAG, 'Expect: a-wonder'),
  'POST /user_tags HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n',
];

/** With these a connection ends. */
const LAST = requestText('GET /health HTTP/1.1', ['Connection: close']);
const ENDS = [
  LAST,
  tagRequest(JSON_TAG, 'Connection: close'),
  'POST /user_tags HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}',
  tagRequest(JSON_TAG, 'Host: other'),
  tagRequest(JSON_TAG, 'Host: other', 'Expect: a-wonder'),
];

/** To these the parser may answer before it has answered what came before. */
const BROKEN = [
  'no HTTP\r\n\r\n',
  tagRequest(JSON_TAG, 'Content-Length: 5'),
  `POST /user_tags HTTP/1.1\r\n folded\r\n\r\n`,
  'CONNECT other:443 HTTP/1.1\r\nHost: other:443\r\n\r\n',
];

async function answerOf({ url }: TestFrontend, chunks: readonly string[]): Promise<string> {
  const client = await RawClient.connect(url);
  for (const chunk of chunks) {
    client.socket.write(chunk);
    if (chunks.length > 1) await sleep(2);
  }
  return withoutDates(await client.closed);
}

const eventsOf = ({ backend }: TestFrontend): object[] => backend.events.map((event) => ({ ...event, appendedAt: 0 }));

const now = (): number => NOW;

interface TestLane {
  readonly url: string;
  readonly backend: MemoryBackend;
  /** The server's ends of the connections. */
  readonly sockets: readonly Socket[];
  /** How many requests came to the parser. */
  readonly parsed: () => number;
}

async function startLane(options: Partial<TagLaneOptions> = {}): Promise<TestLane> {
  let parsed = 0;
  const server = createServer((_request, response) => {
    parsed++;
    response.end();
  });
  server.on('clientError', ({ code }: NodeJS.ErrnoException, socket) => socket.end(code));
  const logger = createLogger({ level: 'silent', name: 'test' });
  const backend = new MemoryBackend();
  const intake = new TagIntake({ log: backend.log, metrics: new FrontendMetrics(), now, logger }, 0);
  const lane = new TagLane(server, { intake, now, requestTimeoutMs: 60_000, keepAliveTimeoutMs: 60_000, ...options });
  const sockets: Socket[] = [];
  server.on('connection', (socket: Socket) => sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    lane.closeIdleConnections();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, backend, sockets, parsed: () => parsed };
}

/** A client whose tag is on its way to the log until `store` is called. */
async function sendTag(
  { url, backend }: Pick<TestLane, 'url' | 'backend'>,
  after = '',
): Promise<{ readonly client: RawClient; readonly store: () => void }> {
  const gate = Promise.withResolvers<void>();
  backend.gate = gate.promise;
  const client = await RawClient.connect(url);
  client.socket.write(tagRequest(JSON_TAG) + after);
  await expect.poll(() => backend.appends).toBe(1);
  return { client, store: gate.resolve };
}

describe('the lane of plain tags', () => {
  it('answers what the parser answers, however the bytes arrive', async () => {
    const [lane, parser] = [await startFrontend(), await startWithoutLane()];
    const sequences = fc
      .tuple(fc.array(fc.constantFrom(...PIECES), { maxLength: 5 }), fc.constantFrom(...ENDS))
      .map(([pieces, end]) => [...pieces, end].join(''));
    const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(sequences, cuts, async (text, shares) => {
        const places = shares.map((share) => Math.floor(share * text.length)).toSorted((a, b) => a - b);
        const chunks = [0, ...places].map((from, i) => text.slice(from, places[i] ?? text.length));
        const [ours, theirs] = await Promise.all([answerOf(lane, chunks), answerOf(parser, chunks)]);
        expect(ours).toBe(theirs);
      }),
      { numRuns: 150 },
    );
    expect(eventsOf(lane)).toEqual(eventsOf(parser));
    expect(lane.frontend.figures().rejected).toBe(parser.frontend.figures().rejected);
  });

  it.for(BROKEN)('refuses as the parser does: %j', async (text) => {
    const [lane, parser] = [await startFrontend(), await startWithoutLane()];
    expect(await answerOf(lane, [text])).toBe(await answerOf(parser, [text]));
  });

  it('answers requests that come without waiting, in order, and goes on with the parser after them', async () => {
    const { url, backend } = await startFrontend();
    const client = await RawClient.connect(url);
    client.socket.write(tagRequest(JSON_TAG).repeat(200) + tagRequest('{}') + tagRequest(JSON_TAG) + LAST);
    expect(statuses(await client.closed)).toEqual([...Array<string>(200).fill('204'), '400', '204', '200']);
    expect(backend.events).toHaveLength(201);
  });

  it('reads no further ahead than a few chunks', async () => {
    const { url, backend, sockets } = await startLane();
    Object.defineProperty(backend, 'gate', { get: () => sleep(1) });
    const client = await RawClient.connect(url);
    const request = tagRequest(JSON_TAG);
    client.socket.write(request.repeat(30_000));
    await expect.poll(() => backend.appends).toBeGreaterThan(50);
    const ahead = sockets[0]!.bytesRead - backend.appends * request.length;
    expect(ahead).toBeLessThan(512 * 1024);
  });

  it('takes nothing more from a client that went away', async () => {
    const lane = await startLane();
    const { backend, sockets } = lane;
    const { client, store } = await sendTag(lane, requestText('GET / HTTP/1.1', []));
    client.socket.resetAndDestroy();
    await expect.poll(() => sockets[0]!.closed).toBe(true);
    store();
    await expect.poll(() => backend.events.length).toBe(1);
    await sleep(10);
    // The parser would keep what it is given until a close that has been already.
    expect(sockets[0]!.listenerCount('drain')).toBe(0);
  });

  it('answers as HTTP wants it', async () => {
    const { url } = await startFrontend();
    const client = await RawClient.connect(url);
    client.socket.write(tagRequest(JSON_TAG));
    await expect
      .poll(() => client.received)
      .toBe(
        `HTTP/1.1 204 No Content\r\nDate: ${new Date(NOW).toUTCString()}\r\nConnection: keep-alive\r\nKeep-Alive: timeout=72\r\n\r\n`,
      );
  });

  it('says when a tag could not be stored, and takes the next one', async () => {
    const { url, backend, frontend } = await startFrontend();
    const client = await RawClient.connect(url);
    backend.failure = new MillraceError('LOG_FULL', 'the disk is full');
    client.socket.write(tagRequest(JSON_TAG));
    await expect.poll(() => client.received).toMatch(/^HTTP\/1.1 503 .*retry-after: 1\r\n.*"code":"LOG_FULL"/s);
    backend.failure = undefined;
    client.received = '';
    client.socket.write(tagRequest(JSON_TAG));
    await expect.poll(() => client.received).toMatch(/^HTTP\/1.1 204 /);
    expect(frontend.figures()).toMatchObject({ accepted: 1, rejected: 1 });
  });

  it('answers a client that has ended its side, and closes', async () => {
    const { url } = await startFrontend();
    const client = await RawClient.connect(url);
    client.socket.end(tagRequest(JSON_TAG));
    expect(statuses(await client.closed)).toEqual(['204']);
  });

  it('stores the tag of a client that goes away', async () => {
    const test = await startFrontend();
    const { client, store } = await sendTag(test);
    client.socket.resetAndDestroy();
    await client.closed;
    store();
    await expect.poll(() => test.backend.events.length).toBe(1);
  });

  it('closes with the answer when the server stops', async () => {
    const test = await startFrontend();
    // Accepted before the one whose tag is there.
    const idle = await RawClient.connect(test.url);
    const { client, store } = await sendTag(test);
    // A deadline that no test lives to see.
    const stopped = test.frontend.stop({ deadlineMs: 3_600_000 });
    expect(await idle.closed).toBe('');
    store();
    expect(await client.closed).toMatch(/^HTTP\/1.1 204 .*Connection: close\r\n/s);
    await stopped;
  });
});

describe('a silent connection', () => {
  it('ends before its first request', async () => {
    const { url } = await startLane({ requestTimeoutMs: 20 });
    const client = await RawClient.connect(url);
    expect(await client.closed).toBe('ERR_HTTP_REQUEST_TIMEOUT');
  });

  it('ends within a request', async () => {
    const { url } = await startLane({ requestTimeoutMs: 20 });
    const client = await RawClient.connect(url);
    client.socket.write(tagRequest(JSON_TAG).slice(0, 60));
    expect(await client.closed).toBe('ERR_HTTP_REQUEST_TIMEOUT');
  });

  it('is not taken at its word after it was refused', async () => {
    const { url, backend } = await startLane({ requestTimeoutMs: 300 });
    const client = await RawClient.connect(url, { allowHalfOpen: true });
    const request = tagRequest(JSON_TAG);
    client.socket.write(request.slice(0, 60));
    await expect.poll(() => client.received).toBe('ERR_HTTP_REQUEST_TIMEOUT');
    client.socket.write(request.slice(60));
    await sleep(50);
    expect(backend.appends).toBe(0);
  });

  it('ends when it does not read its answers', async () => {
    const { url, sockets } = await startLane({ keepAliveTimeoutMs: 50 });
    const client = await RawClient.connect(url);
    client.socket.pause();
    client.socket.write(tagRequest(JSON_TAG).repeat(60_000));
    await expect.poll(() => sockets[0]!.destroyed).toBe(true);
  });

  it('ends after an answer, without another', async () => {
    const { url } = await startLane({ keepAliveTimeoutMs: 20 });
    const client = await RawClient.connect(url);
    client.socket.write(tagRequest(JSON_TAG));
    expect(statuses(await client.closed)).toEqual(['204']);
  });

  it('does not end while its tag is being stored', async () => {
    const lane = await startLane();
    const { client, store } = await sendTag(lane);
    const socket = lane.sockets[0]!;
    // Not from the beginning: on a busy machine so short a time would be over before the tag is there.
    socket.setTimeout(20);
    await once(socket, 'timeout');
    expect(socket.destroyed).toBe(false);
    store();
    await expect.poll(() => statuses(client.received)).toEqual(['204']);
  });
});
