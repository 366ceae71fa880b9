import { createConnection } from 'node:net';
import { once } from 'node:events';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type KafkaServer, serverAvailable, startKafka } from '@millrace/testkit';
import { coordinatorPort } from '../../src/servers/kafka-request.ts';

describe.skipIf(!serverAvailable('kafka'))('startKafka', () => {
  let kafka: KafkaServer;

  beforeAll(async () => {
    kafka = await startKafka({ secure: true, proxy: true, properties: { 'num.partitions': 3 } });
  });
  afterAll(() => kafka.stop());

  it('creates a topic once', async () => {
    expect(await kafka.createTopic('once', { partitions: 2, settings: { 'retention.ms': '60000' } })).toBe(true);
    expect(await kafka.createTopic('once')).toBe(false);
    await expect(kafka.createTopic('other', { settings: { 'no.such': '1' } })).rejects.toThrow('no.such');
  });

  it('keeps port and data over kill -9 and restart', async () => {
    await kafka.createTopic('kept');
    const { pid } = kafka;
    await kafka.kill();
    const socket = createConnection(kafka.port, '127.0.0.1');
    await expect(once(socket, 'connect')).rejects.toThrow('ECONNREFUSED');
    await kafka.restart();
    expect(kafka.pid).not.toBe(pid);
    expect(await kafka.createTopic('kept')).toBe(false);
  });

  it('speaks TLS on its secure listener', async () => {
    const { port, ca } = kafka.secure!;
    const socket = connect({ port, host: '127.0.0.1', ca });
    await once(socket, 'secureConnect');
    expect(socket.authorized).toBe(true);
    socket.destroy();
  });

  it('sends the clients that come through its proxy there again', async () => {
    const { port, proxied } = kafka;
    const { proxy, url } = proxied!;
    expect(url).toBe(`kafka://127.0.0.1:${proxy.port}`);
    expect(await coordinatorPort(port)).toBe(port);
    expect(proxy.accepted).toBe(0);
    expect(await coordinatorPort(proxy.port)).toBe(proxy.port);
    expect(proxy.accepted).toBe(1);
  });

  it('rejects with the end of the log when the broker does not start', async () => {
    await expect(startKafka({ properties: { 'log.segment.bytes': 'many' } })).rejects.toThrow(
      /kafka ended with 1 at its start:[^]*Invalid value many/,
    );
  });
});
