import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { connect, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { createLogger } from '@millrace/core';
import { describe, expect, it } from 'vitest';
import { refusal, RUNNING, startFrontend, TAG, type ErrorBody, type TestFrontend } from './support/frontend.ts';
import { RawClient, requestText } from './support/raw-client.ts';

/** Bytes to the server's socket, and what comes back until it closes. */
function raw({ url }: TestFrontend, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(bytes));
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}

/** The server's end of the next connection that a server of this process accepts. */
function nextAcceptedSocket(): Promise<Socket> {
  const channel = 'net.server.socket';
  return new Promise((resolve) => {
    const onSocket = (message: unknown): void => {
      unsubscribe(channel, onSocket);
      resolve((message as { readonly socket: Socket }).socket);
    };
    subscribe(channel, onSocket);
  });
}

const MIB = 2 ** 20;

interface RefusedByNode {
  readonly name: string;
  readonly text: string;
  readonly status: number;
  readonly error: Partial<ErrorBody['error']>;
  /** Whether the connection ends with the answer. */
  readonly last: boolean;
}

const TAG_FIELDS = ['Content-Type: application/json'];
const POST_TAG = 'POST /user_tags HTTP/1.1';
const HOST = { code: 'INVALID_ARGUMENT', field: 'Host' };

const BY_NODE: readonly RefusedByNode[] = [
  { name: 'no Host', text: 'GET /health HTTP/1.1\r\n\r\n', status: 400, error: HOST, last: true },
  {
    name: 'two Hosts',
    text: requestText('GET /health HTTP/1.1', ['hOsT: other']),
    status: 400,
    error: HOST,
    last: true,
  },
  {
    name: 'a tag with two Hosts',
    text: requestText(POST_TAG, [...TAG_FIELDS, 'Host: other'], JSON.stringify(TAG)),
    status: 400,
    error: HOST,
    last: true,
  },
  {
    name: 'two Hosts and a wonder',
    text: requestText(POST_TAG, ['Host: other', 'Expect: a-wonder']),
    status: 400,
    error: HOST,
    last: true,
  },
  {
    name: 'a wonder',
    text: requestText(POST_TAG, [...TAG_FIELDS, 'Expect: a-wonder'], JSON.stringify(TAG)),
    status: 417,
    error: { code: 'INVALID_ARGUMENT', field: 'Expect', value: 'a-wonder' },
    last: false,
  },
  {
    name: 'CONNECT',
    text: 'CONNECT other:443 HTTP/1.1\r\nHost: other:443\r\n\r\n',
    status: 405,
    error: { code: 'METHOD_NOT_ALLOWED', value: 'CONNECT' },
    last: true,
  },
  {
    name: 'QUERY',
    text: requestText('QUERY /user_tags HTTP/1.1', [], JSON.stringify(TAG)),
    status: 405,
    error: { code: 'METHOD_NOT_ALLOWED', value: 'QUERY' },
    last: false,
  },
  {
    name: 'an unknown method',
    text: requestText('WISH /user_tags HTTP/1.1', []),
    status: 400,
    error: { code: 'INVALID_ARGUMENT' },
    last: true,
  },
];

const ignored = (bytes: number): string => 'x'.repeat(bytes);

describe('paths and methods', () => {
  it('answers 404 to an unknown path, with what there is', async () => {
    const { request } = await startFrontend();
    for (const path of ['/user_tag', '/user_profiles', '/user_profiles/a/b', '/USER_TAGS', '/health/x']) {
      const error = await refusal(await request(path));
      expect(error).toMatchObject({ status: 404, code: 'NOT_FOUND', value: path });
      expect(error.accepted).toContain('POST /user_tags;');
    }
  });

  it.each([
    ['GET', '/user_tags', 'POST, OPTIONS'],
    ['PUT', '/user_tags', 'POST, OPTIONS'],
    ['DELETE', '/user_profiles/alice?x=1', 'GET, POST, HEAD, OPTIONS'],
    ['PATCH', '/aggregates', 'GET, POST, HEAD, OPTIONS'],
    ['POST', '/health', 'GET, HEAD, OPTIONS'],
    ['GET', '/admin/dead-letters/0-1/retry', 'POST, OPTIONS'],
    ['PROPFIND', '/aggregates', 'GET, POST, HEAD, OPTIONS'],
  ])('answers 405 to %s %s', async (method, path, allow) => {
    const { request } = await startFrontend();
    const response = await request(path, { method });
    expect(response.headers.get('allow')).toBe(allow);
    expect(await refusal(response)).toMatchObject({ status: 405, code: 'METHOD_NOT_ALLOWED', value: method });
  });

  it('answers OPTIONS with what a path takes, and HEAD without a body', async () => {
    const { request } = await startFrontend();
    const options = await request('/user_tags', { method: 'OPTIONS' });
    expect([options.status, options.headers.get('allow')]).toEqual([204, 'POST, OPTIONS']);
    expect((await request('/nothing', { method: 'OPTIONS' })).status).toBe(404);
    const head = await request('/docs', { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
  });

  it('ignores the body of a query up to 1 MiB, and answers 413 to a larger one', async () => {
    const test = await startFrontend();
    const path = `/aggregates?time_range=2022-03-22T12:15_2022-03-22T12:16&action=BUY&aggregates=COUNT`;
    expect((await test.request(path, { method: 'POST', body: ignored(MIB) })).status).toBe(200);
    const refused = await refusal(await test.request(path, { method: 'POST', body: ignored(MIB + 1) }));
    expect(refused).toMatchObject({
      status: 413,
      code: 'BODY_TOO_LARGE',
      accepted: expect.stringContaining('1048576'),
    });
    for (const method of ['GET', 'POST']) {
      const head = `${method} /user_profiles/a?time_range=2022-03-22T12:15_2022-03-22T12:16 HTTP/1.1\r\nhost: x\r\n`;
      const chunk = `${(0.625 * MIB).toString(16)}\r\n${ignored(0.625 * MIB)}\r\n`;
      const chunked = `${head}connection: close\r\ntransfer-encoding: chunked\r\n\r\n`;
      expect(await raw(test, `${chunked}${chunk}0\r\n\r\n`)).toMatch(/^HTTP\/1.1 200 /);
      expect(await raw(test, `${chunked}${chunk}${chunk}0\r\n\r\n`)).toMatch(/^HTTP\/1.1 413 /);
    }
  });

  it('answers coded JSON to a path that cannot be decoded', async () => {
    const { request } = await startFrontend();
    expect(await refusal(await request('/user_profiles/%zz'))).toMatchObject({ status: 400, code: 'INVALID_ARGUMENT' });
    expect(await refusal(await request('/user_profiles/%ff'))).toMatchObject({ status: 400, code: 'INVALID_ARGUMENT' });
  });

  it('answers coded JSON to what is no HTTP, and to headers without an end', async () => {
    const test = await startFrontend();
    expect(await raw(test, 'hello\r\n\r\n')).toMatch(/^HTTP\/1.1 400 .*"code":"INVALID_ARGUMENT"/s);
    const twoLengths = 'POST /user_tags HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n';
    expect(await raw(test, twoLengths)).toMatch(/^HTTP\/1.1 400 .*"message":"this is not HTTP: .*Content-Length/s);
    const long = await raw(test, `GET /health HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`);
    expect(long).toMatch(/^HTTP\/1.1 431 .*"code":"INVALID_ARGUMENT"/s);
  });

  it.for(BY_NODE)(
    'answers coded JSON to what Node would refuse without: $name',
    async ({ text, status, error, last }) => {
      const test = await startFrontend();
      const client = await RawClient.connect(test.url);
      client.socket.write(text);
      if (!last) client.socket.write(requestText('GET /health HTTP/1.1', ['Connection: close']));
      const answers = await client.closed;
      const [, body] = /^HTTP\/1\.1 \d+ [^{]*({.*?}})/s.exec(answers) ?? [];
      expect(answers).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
      expect(JSON.parse(body ?? '{}')).toMatchObject({ error });
      expect([...answers.matchAll(/HTTP\/1\.1 \d+ /g)]).toHaveLength(last ? 1 : 2);
      if (last) expect(answers).toMatch(/^connection: close\r$/im);
      expect(test.backend.events).toEqual([]);
    },
  );

  it('takes HTTP/1.0, which knows no Host', async () => {
    const test = await startFrontend();
    expect(await raw(test, 'GET /health HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /);
    expect(await raw(test, 'GET /health HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('takes a request that carries the whole URL', async () => {
    const test = await startFrontend();
    for (const path of ['/user_tags', '/user_tags?x=1', '/user_tags/batch']) {
      const line = `POST http://shop.example${path} HTTP/1.1`;
      const fields = ['Content-Type: application/json', 'Connection: close'];
      expect(await raw(test, requestText(line, fields, JSON.stringify(TAG)))).toMatch(/^HTTP\/1.1 20[04] /);
    }
    expect(test.backend.events).toHaveLength(3);
  });

  it('does not wait for a client that is refused to close its side', async () => {
    const { url } = await startFrontend();
    const accepted = nextAcceptedSocket();
    const client = await RawClient.connect(url, { allowHalfOpen: true });
    client.socket.write('hello\r\n\r\n');
    await expect.poll(() => client.received).toMatch(/^HTTP\/1.1 400 /);
    // The client sends nothing more and keeps its side open.
    const socket = await accepted;
    await expect.poll(() => socket.destroyed).toBe(true);
    expect(client.socket.writable).toBe(true);
  });
});

describe('a sender that goes away', () => {
  it.each(['/user_tags', '/user_tags/batch', '/aggregates'])(
    'in the middle of a body to %s is no fault of ours',
    async (path) => {
      const destination = new PassThrough({ encoding: 'utf8' });
      const test = await startFrontend({}, createLogger({ level: 'warn', name: 'test', destination }));
      const socket = connect(Number(new URL(test.url).port), '127.0.0.1');
      socket.write(
        `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"`,
      );
      await expect.poll(() => socket.bytesWritten).toBeGreaterThan(0);
      expect((await test.request('/health')).status).toBe(200);
      socket.destroy();
      await test.frontend.stop();
      expect(destination.read()).toBeNull();
      expect(test.backend.events).toEqual([]);
    },
  );
});

describe('health', () => {
  it('answers /health with 200 and nothing', async () => {
    const { request } = await startFrontend();
    const response = await request('/health');
    expect([response.status, await response.text()]).toEqual([200, '']);
  });

  it('answers /ready with 200, or 503 and the reasons', async () => {
    const test = await startFrontend();
    const ready = await test.request('/ready');
    expect([ready.status, await ready.json()]).toEqual([200, { ready: true }]);

    test.status = { ...RUNNING, state: 'stopping', logWritable: false, lag: { records: 9, ms: 10_001 } };
    const response = await test.request('/ready');
    expect(response.headers.get('retry-after')).toBe('1');
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({
      ready: false,
      reasons: [
        'the platform is stopping',
        'the log takes no records',
        'the processor is 10001 ms behind, more than 10000 ms',
      ],
      error: { code: 'NOT_RUNNING' },
    });

    test.status = { ...RUNNING, processorRunning: false };
    const restarting = await test.request('/ready');
    expect(restarting.status).toBe(503);
    expect(await restarting.json()).toMatchObject({
      reasons: ['the processor has ended and is not running again yet'],
    });

    test.status = { ...RUNNING, lag: { records: 9, ms: 10_000 } };
    expect((await test.request('/ready')).status).toBe(200);
  });

  it('shows figures at /metrics', async () => {
    const test = await startFrontend();
    await test.store({}, {});
    await test.postTag({ ...TAG, device: 'pc' });
    test.status = {
      ...RUNNING,
      lag: { records: 3, ms: 1500 },
      logBytes: 12,
      stateBytes: 34,
      deadLetters: 5,
    };
    const response = await test.request('/metrics');
    expect(response.headers.get('content-type')).toContain('text/plain');
    const lines = (await response.text()).split('\n');
    for (const line of [
      'millrace_tags_accepted_total 2',
      'millrace_tags_rejected_total{code="INVALID_TAG"} 1',
      'millrace_http_request_seconds_bucket{route="user_tags",le="+Inf"} 2',
      'millrace_http_request_seconds_count{route="user_tags"} 2',
      'millrace_lag_records 3',
      'millrace_lag_seconds 1.5',
      'millrace_log_writable 1',
      'millrace_log_bytes 12',
      'millrace_state_bytes 34',
      'millrace_dead_letters 5',
    ]) {
      expect(lines).toContain(line);
    }
    expect(await (await test.request('/metrics')).text()).toContain('millrace_tags_accepted_total 2\n');
    // What only a server knows has no figure; 0 would be wrong.
    test.status = { ...RUNNING, logBytes: undefined };
    expect(await (await test.request('/metrics')).text()).not.toMatch(/^millrace_log_bytes/m);
  });
});

describe('documentation', () => {
  it('lists every route at /, in the document and on the page', async () => {
    const { request } = await startFrontend();
    const { routes } = (await (await request('/')).json()) as { routes: Record<string, string> };
    const document = (await (await request('/openapi.json')).json()) as { paths: Record<string, object> };
    const page = await (await request('/docs')).text();
    expect(Object.keys(routes)).toHaveLength(14);
    for (const name of Object.keys(routes)) {
      const [methods, path] = name.split(' ') as [string, string];
      const braced = path.replaceAll(/:(\w+)/g, '{$1}');
      expect(Object.keys(document.paths[braced]!)).toEqual(methods.toLowerCase().split(','));
      expect(page).toContain(`${methods.replace(',', ', ')} ${braced}`);
    }
  });
});

/** A logger, and what it wrote about requests. */
const lines = (level: 'debug' | 'info') => {
  const destination = new PassThrough({ encoding: 'utf8' });
  const logger = createLogger({ level, name: 'test', destination });
  const read = (): Record<string, unknown>[] =>
    ((destination.read() as string | null) ?? '')
      .split('\n')
      .filter((line) => line.includes('"msg":"request"'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { logger, read };
};

describe('logging of requests', () => {
  it('is off at level info', async () => {
    const { logger, read } = lines('info');
    const { postTag, frontend } = await startFrontend({}, logger);
    await postTag(TAG);
    await frontend.stop();
    expect(read()).toEqual([]);
  });

  it('is a line per request at level debug', async () => {
    const { logger, read } = lines('debug');
    const { postTag, frontend } = await startFrontend({}, logger);
    await postTag(TAG);
    await frontend.stop();
    expect(read()).toMatchObject([{ level: 'debug', method: 'POST', url: '/user_tags', status: 204 }]);
  });

  it('shows headers without secrets, and bodies, when asked to', async () => {
    const { logger, read } = lines('info');
    const { postTag, frontend } = await startFrontend({ logHeaders: true, logBody: true }, logger);
    await postTag(TAG, { authorization: 'Bearer hush', cookie: 'session=hush' });
    await frontend.stop();
    const [line] = read();
    expect(line).toMatchObject({ level: 'info', headers: { 'content-type': 'application/json' } });
    expect(JSON.parse(line!['body'] as string)).toEqual(TAG);
    expect(JSON.stringify(line)).not.toContain('hush');
  });

  it('is off altogether without logRequests', async () => {
    const { logger, read } = lines('debug');
    const { postTag, frontend } = await startFrontend({ logRequests: false, logHeaders: true, logBody: true }, logger);
    await postTag(TAG);
    await frontend.stop();
    expect(read()).toEqual([]);
  });
});
