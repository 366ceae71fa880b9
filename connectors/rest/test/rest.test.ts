import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, Server } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { openPublisher, openSubscriber } from '@millrace/core';
import { signatureOf } from '@millrace/rest';
import { freePort } from '@millrace/testkit';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';

interface Request {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly at: number;
}

type Answer = readonly [status: number, headers?: Record<string, string>];

describe('publishing', () => {
  let server: Server;
  let url: string;
  let requests: Request[];
  /** For the requests in their order; after the last one 200. */
  let answers: (Answer | 'hang up' | 'silence')[];

  beforeEach(async () => {
    [requests, answers] = [[], []];
    server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const body = Buffer.concat(parts).toString();
        requests.push({ path: request.url ?? '', headers: request.headers, body, at: performance.now() });
        const answer = answers.shift() ?? [200];
        if (answer === 'hang up') request.destroy();
        else if (answer !== 'silence') response.writeHead(answer[0], answer[1]).end('{}');
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?a=1`;
  });

  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  it('posts the value as JSON, signed, with key, headers and an idempotency key', async () => {
    const publisher = await openPublisher(url.replace('//', '//me:p%40ss@'), {
      secret: 's',
      headers: 'X-Team: a\nX-B: c',
    });
    await publisher.publish({ key: 'żółw', value: { total: 'ł' }, headers: { Trace: '7' } });
    await publisher.close();
    expect(requests).toHaveLength(1);
    const [{ path, headers, body }] = requests as [Request];
    expect([path, body]).toEqual(['/hook?a=1', '{"total":"ł"}']);
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      authorization: `Basic ${btoa('me:p@ss')}`,
      'x-team': 'a',
      'x-b': 'c',
      trace: '7',
      'x-millrace-key': '%C5%BC%C3%B3%C5%82w',
      'x-hub-signature-256': signatureOf('s', body),
      'idempotency-key': expect.stringMatching(/^[\da-f-]{36}$/),
    });
    // RFC 2104 by another implementation: printf '{"total":"ł"}' | openssl dgst -sha256 -hmac s
    expect(signatureOf('key', 'The quick brown fox jumps over the lazy dog')).toBe(
      'sha256=f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8',
    );
  });

  it.each([[[500]], [[503]], [[408]], [[425]], [[429]], ['hang up']] as const)(
    'sends again after %j, under the same key, before anything newer',
    async (first) => {
      answers = [first];
      const publisher = await openPublisher(url);
      await Promise.all([publisher.publish({ value: 1 }), publisher.publish({ value: 2 })]);
      await publisher.close();
      expect(requests.map(({ body }) => body)).toEqual(['1', '1', '2']);
      const [a, b, c] = requests.map(({ headers }) => headers['idempotency-key']);
      expect([a === b, a === c]).toEqual([true, false]);
      expect(publisher.details()).toMatchObject({ publish_count: 2, refused: 0, retries: 1 });
    },
  );

  it('sends again when no answer comes in time, under the same key, before anything newer', async () => {
    answers = ['silence'];
    const publisher = await openPublisher(url, { timeout: 0.5 });
    await Promise.all([publisher.publish({ value: 1 }), publisher.publish({ value: 2 })]);
    await publisher.close();
    // A busy machine may be late with other answers, too.
    const bodies = requests.map(({ body }) => body);
    expect(bodies.length).toBeGreaterThan(2);
    expect(bodies.slice(0, 2)).toEqual(['1', '1']);
    expect(bodies.toSorted()).toEqual(bodies);
    const keys = requests.map(({ headers, body }) => JSON.stringify([body, headers['idempotency-key']]));
    expect(new Set(keys).size).toBe(2);
    const { publish_count, refused, retries } = publisher.details();
    expect([publish_count, refused, retries > 0]).toEqual([2, 0, true]);
  });

  it.each([400, 401, 403, 404, 410, 422])('takes %i for a refusal, and goes on', async (status) => {
    answers = [[status]];
    const publisher = await openPublisher(url);
    const [first, second] = await Promise.allSettled([
      publisher.publish({ value: 1 }),
      publisher.publish({ value: 2 }),
    ]);
    expect(first).toMatchObject({ status: 'rejected', reason: { code: 'REFUSED', details: { value: status } } });
    expect(second).toMatchObject({ status: 'fulfilled' });
    await publisher.close();
    expect(requests).toHaveLength(2);
  });

  it('does not follow a redirection, and says where it goes', async () => {
    answers = [[308, { location: 'https://example.com/' }]];
    const publisher = await openPublisher(url);
    await expect(publisher.publish({ value: 1 })).rejects.toThrow('moved to https://example.com/');
    await publisher.close();
  });

  it.each([
    ['1', 950],
    [new Date(Date.now() + 3_600_000).toUTCString(), 150],
  ])('waits as Retry-After: %s asks for, within max_retry_after', async (value, leastMs) => {
    answers = [[429, { 'retry-after': value }]];
    const publisher = await openPublisher(url, { max_retry_after: leastMs > 900 ? 2 : 0.2 });
    await publisher.publish({ value: 1 });
    await publisher.close();
    expect(requests[1]!.at - requests[0]!.at).toBeGreaterThan(leastMs);
  });

  it('gives up when its attempts are used up, message by message', async () => {
    answers = [[500], [500], [500]];
    const publisher = await openPublisher(url, { retry_max: 2 });
    const [first, second] = await Promise.allSettled([
      publisher.publish({ value: 1 }),
      publisher.publish({ value: 2 }),
    ]);
    expect([first.status, second.status]).toEqual(['rejected', 'fulfilled']);
    expect(requests.map(({ body }) => body)).toEqual(['1', '1', '2', '2']);
    await publisher.close();
  });

  it('sends several at once when told so, each until it is answered for good', async () => {
    answers = [[404], [500]];
    const publisher = await openPublisher(url, { concurrency: 8 });
    const results = await Promise.allSettled(Array.from({ length: 40 }, (_, value) => publisher.publish({ value })));
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    expect(requests).toHaveLength(41);
    expect(new Set(requests.map(({ body }) => body)).size).toBe(40);
    await publisher.close();
  });

  it('keeps the secret, the headers and the password out of what it shows', async () => {
    const publisher = await openPublisher(`rest://me:pw-word@127.0.0.1:1/x?secret=sec-ret&headers=A:%20hea-der`);
    expect(JSON.stringify(publisher.details())).not.toMatch(/pw-word|sec-ret|hea-der/);
    await publisher.close({ deadlineMs: 0 });
    await expect(openPublisher(url, { headers: 'tok-en' })).rejects.toThrow(/^(?!.*tok-en).*Name: value/);
    await expect(openPublisher(url, { headers: 1 })).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });

  it('refuses a message whose header HTTP cannot carry', async () => {
    const publisher = await openPublisher(url);
    await expect(publisher.publish({ value: 1, headers: { a: '1\r\nb: 2' } })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
    await publisher.close();
    expect(requests).toEqual([]);
  });
});

async function openHook(config: Record<string, unknown> = {}) {
  const url = `http://127.0.0.1:${await freePort()}/hook`;
  const subscriber = await openSubscriber(url, config);
  onTestFinished(() => subscriber.close());
  const post = (body: string, headers: Record<string, string> = {}, path = url): Promise<Response> =>
    fetch(path, { method: 'POST', body, headers });
  return { url, subscriber, post };
}

const signed = (secret: string): Record<string, string> => ({ 'X-Hub-Signature-256': signatureOf(secret, '1') });

describe('receiving', () => {
  it('answers once the application is done with the message', async () => {
    const { subscriber, post } = await openHook({ ack: 'manual', headers: 'X-Trace, X-None' });
    const answers: number[] = [];
    const posted = post('{"a":1}', { 'X-Trace': '7' }).then(({ status }) => answers.push(status));
    const message = (await subscriber.next())!;
    expect(message).toEqual({ value: { a: 1 }, headers: { 'x-trace': '7' } });
    expect(await subscriber.next({ timeoutMs: 30 })).toBeUndefined();
    expect(answers).toEqual([]);
    subscriber.acknowledge(message);
    await posted;
    expect(answers).toEqual([204]);
  });

  it('gives each message to one of several waiting calls', async () => {
    const { subscriber, post } = await openHook();
    const waiting = [subscriber.next(), subscriber.next(), subscriber.next()];
    const posted = ['1', '2', '3'].map((body) => post(body));
    const values = (await Promise.all(waiting)).map((message) => message?.value as number);
    expect(values.toSorted((a, b) => a - b)).toEqual([1, 2, 3]);
    expect(await subscriber.next({ timeoutMs: 0 })).toBeUndefined();
    expect((await Promise.all(posted)).map(({ status }) => status)).toEqual([204, 204, 204]);
  });

  it('takes only what is signed with its secret', async () => {
    const { subscriber, post } = await openHook({ secret: 's' });
    const refused = await Promise.all([post('1'), post('1', signed('other')), post('2', signed('s'))]);
    expect(refused.map(({ status }) => status)).toEqual([401, 401, 401]);
    const taken = post('1', signed('s'));
    expect(await subscriber.next()).toEqual({ value: 1 });
    await subscriber.next({ timeoutMs: 0 });
    expect((await taken).status).toBe(204);
  });

  it('refuses other paths, methods and sizes', async () => {
    const { url, post } = await openHook({ max_body: 10 });
    expect((await post('1', {}, `${url}s`)).status).toBe(404);
    expect((await fetch(url)).status).toBe(405);
    expect((await post('x'.repeat(11))).status).toBe(413);
  });

  it('goes on when a sender leaves within its body', async () => {
    const { url, subscriber, post } = await openHook();
    const { port, pathname } = new URL(url);
    const socket = connect(Number(port), '127.0.0.1');
    socket.write(`POST ${pathname} HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf`);
    await once(socket, 'connect');
    // Otherwise the server may not have seen the request yet.
    expect((await fetch(url)).status).toBe(405);
    socket.resetAndDestroy();
    const posted = post('1');
    expect(await subscriber.next()).toEqual({ value: 1 });
    await subscriber.next({ timeoutMs: 0 });
    expect((await posted).status).toBe(204);
  });

  it('answers 503 when nobody is done with the message in time, or it closes', async () => {
    const { subscriber, post } = await openHook({ answer_timeout: 0.05 });
    subscriber.freeze();
    expect((await post('1')).status).toBe(503);
    subscriber.unfreeze();
    // Its sender was told to try again, so it is not delivered now.
    expect(await subscriber.next({ timeoutMs: 50 })).toBeUndefined();
    const left = post('2');
    expect(await subscriber.next()).toEqual({ value: 2 });
    await subscriber.close();
    expect((await left).status).toBe(503);
  });

  it.each(['with a length', 'in chunks'])('holds so many bytes of requests at once, sent %s', async (how) => {
    const { subscriber, url } = await openHook({ ack: 'manual', max_body: 1000, max_waiting_bytes: 2500 });
    const body = `"${'x'.repeat(898)}"`;
    const post = (): Promise<Response> => {
      const sent = how === 'in chunks' ? ReadableStream.from([Buffer.from(body)]) : body;
      return fetch(url, { method: 'POST', body: sent, duplex: 'half' });
    };
    const taken = [post(), post()];
    const messages = [(await subscriber.next())!, (await subscriber.next())!];
    const refused = await post();
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
    expect(subscriber.details().receive_count).toBe(2);
    for (const message of messages) subscriber.acknowledge(message);
    expect((await Promise.all(taken)).map(({ status }) => status)).toEqual([204, 204]);
    // There is as much room as before, also after it was refused.
    for (let round = 0; round < 3; round++) {
      const again = [post(), post()];
      for (let count = 0; count < 2; count++) subscriber.acknowledge((await subscriber.next())!);
      expect((await Promise.all(again)).map(({ status }) => status)).toEqual([204, 204]);
    }
  });

  it('gives room back when a sender leaves', async () => {
    const { subscriber, url, post } = await openHook({ max_body: 100, max_waiting_bytes: 100 });
    const { port, pathname } = new URL(url);
    const socket = connect(Number(port), '127.0.0.1');
    socket.write(`POST ${pathname} HTTP/1.1\r\nHost: a\r\nContent-Length: 90\r\n\r\nhalf`);
    await expect.poll(async () => (await post('"more than ten"')).status).toBe(503);
    socket.resetAndDestroy();
    const taken = subscriber.subscribe(() => {});
    await expect.poll(async () => (await post('"more than ten"')).status).toBe(204);
    await subscriber.close();
    await taken;
  });

  it('refuses a bound that no request of max_body fits in', async () => {
    await expect(openSubscriber('http://127.0.0.1:1/hook', { max_waiting_bytes: 10 })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      details: { field: 'max_waiting_bytes', value: 10 },
    });
  });

  it('listens for others only with a secret', async () => {
    await expect(openSubscriber('http://0.0.0.0:1/hook')).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });
});
