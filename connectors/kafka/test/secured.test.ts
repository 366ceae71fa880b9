import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

import { openEventLog, openLogReader, openPublisher, openSubscriber } from '@millrace/core';
import { startTcpProxy, type TcpProxy } from '@millrace/testkit';
import { AuthenticationError, Connection, NetworkError, protocolErrors, ProtocolError } from '@platformatic/kafka';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

import { createConnector } from '../src/connector.ts';
import { FINAL_ANSWERS } from '../src/error-meanings.ts';
import { kafkaError } from '../src/errors.ts';
import { describeOnKafka, newTopic, useKafka } from './fixture.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const kafka = useKafka({ secure: true });

/** Options that trust the broker's certificate. */
async function trusting(): Promise<string> {
  const file = join(await temporaryDirectory(), 'ca.pem');
  await writeFile(file, kafka().secure!.ca);
  return `tls=true&tls_ca=${encodeURIComponent(file)}`;
}

/** Both ends of messages, with and without a group, and both of a log. */
const OPENERS = {
  publisher: openPublisher,
  subscriber: openSubscriber,
  'subscriber without a group': (url: string) => openSubscriber(url, { from: 'earliest' }),
  log: (url: string) => openEventLog(url),
  reader: (url: string) => openLogReader(url),
} as const;

describeOnKafka('a broker that wants TLS and a user', () => {
  let topic: string;
  let host: string;
  let login: string;
  /** Each counts the connections to one of the listeners. */
  let secured: TcpProxy;
  let unsecured: TcpProxy;
  const guarded = (): string => `127.0.0.1:${secured.port}/${topic}`;
  beforeAll(async () => {
    secured = await startTcpProxy({ target: kafka().secure! });
    unsecured = await startTcpProxy({ target: kafka() });
    topic = newTopic();
    await kafka().createTopic(topic);
    const { bootstrap, username, password } = kafka().secure!;
    host = `${bootstrap}/${topic}`;
    login = `${username}:${password}`;
  });
  afterAll(() => Promise.all([secured.stop(), unsecured.stop()]));

  it.each(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'])(
    'carries messages for who knows the password: %s',
    async (by) => {
      const url = `kafka://${login}@${host}?${await trusting()}&sasl_mechanism=${by}`;
      const publisher = await openPublisher(url);
      await publisher.publish({ value: by });
      await publisher.close();
      for (const config of [{ group_id: by }, { from: '-1' }]) {
        const subscriber = await openSubscriber(url, config);
        const values: unknown[] = [];
        while (values.at(-1) !== by) values.push((await subscriber.next({ timeoutMs: 60_000 }))?.value);
        await subscriber.close();
      }
    },
  );

  describe.each(Object.entries(OPENERS))('a %s', (_, open) => {
    it.each([
      ['a wrong password', () => `kafka://millrace:wrong@${guarded()}?TRUST`, 'UNAUTHORIZED', 'check user, password'],
      [
        'an unknown user',
        () => `kafka://x:y@${guarded()}?TRUST&sasl_mechanism=SCRAM-SHA-512`,
        'UNAUTHORIZED',
        'check user, password',
      ],
      ['an authority that is not trusted', () => `kafka://${login}@${guarded()}?tls=true`, 'REFUSED', 'tls_ca'],
      ['no TLS and no user', () => `kafka://${guarded()}`, 'REFUSED', 'tls=true'],
      [
        'a user where none is asked for',
        () => `kafka://${login}@127.0.0.1:${unsecured.port}/${topic}`,
        'UNAUTHORIZED',
        'asks for no user',
      ],
    ])('is told at once what to do about %s', async (_what, url, code, advice) => {
      const before = secured.accepted + unsecured.accepted;
      await expect(open(url().replace('TRUST', await trusting()))).rejects.toMatchObject({
        code,
        message: expect.stringContaining(advice) as string,
      });
      // A broker that is away is asked again for ten seconds, some thirty times.
      expect(secured.accepted + unsecured.accepted - before).toBeLessThan(10);
    });
  });
});

const loginFailure = (cause: Error): Error =>
  new AuthenticationError('Cannot find a suitable SASL mechanism.', { cause });

describe('a connection that is cut while the user logs in', () => {
  it('is made again, and the error says what it may be', async () => {
    let connections = 0;
    const cutter = createServer((socket) => {
      connections++;
      socket.once('data', () => socket.destroy());
      socket.on('error', () => socket.destroy());
    });
    await new Promise<void>((resolve) => cutter.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void cutter.close());
    const { port } = cutter.address() as AddressInfo;
    const publisher = await openPublisher(`kafka://user:password@127.0.0.1:${port}/orders`);
    const publishing = publisher.publish({ value: 1 });
    await expect.poll(() => connections).toBeGreaterThan(2);
    const lastError = (): string | undefined => publisher.details().last_error;
    await expect.poll(lastError).toContain('the listener may want tls=true, or a user');
    await Promise.allSettled([publisher.close({ deadlineMs: 0 }), publishing]);
  });

  it('does not end the process by an error that comes after the one which the driver waits for', async () => {
    const server = createServer((socket) => void socket.resume());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    createConnector();
    const connection = new Connection('client');
    await connection.connect('127.0.0.1', (server.address() as AddressInfo).port);
    // Without a listener, each of them would be thrown here.
    connection.emit('error', new Error('first'));
    connection.emit('error', new Error('second'));
    await connection.close();
    server.close();
  });

  it('is no refusal of the user, which an answer is', () => {
    const url = 'kafka://localhost:9092/orders';
    expect(kafkaError(loginFailure(new NetworkError('Connection closed')), url)).toMatchObject({ code: 'UNAVAILABLE' });
    const answer = new ProtocolError('UNSUPPORTED_SASL_MECHANISM');
    expect(kafkaError(loginFailure(answer), url)).toMatchObject({
      code: 'UNAUTHORIZED',
      message: expect.stringContaining('choose a sasl_mechanism') as string,
    });
    expect(kafkaError(loginFailure(new Error('bad nonce')), url)).toMatchObject({ code: 'UNAUTHORIZED' });
  });
});

describe('answers of a broker', () => {
  it.each(Object.keys(FINAL_ANSWERS))('%s is one that the protocol has, and is not tried again', (answer) => {
    expect(Object.keys(protocolErrors)).toContain(answer);
    const error = kafkaError(new ProtocolError(answer), 'kafka://localhost/orders');
    expect(error.retry).toBe(false);
    expect(error.message).toContain(`answered ${answer}: `);
  });

  it('are tried again where the protocol says that they pass', () => {
    const passing = Object.entries(protocolErrors).filter(([, { canRetry }]) => canRetry);
    expect(passing.length).toBeGreaterThan(30);
    for (const [answer] of passing) {
      const error = kafkaError(new ProtocolError(answer), 'kafka://localhost/orders');
      expect(error).toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining(answer) as string });
    }
  });
});
