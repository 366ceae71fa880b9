import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTcpProxy, type TcpProxy } from '@millrace/testkit';

async function roundTrip(socket: Socket, text = 'x'): Promise<number> {
  const startedAt = performance.now();
  socket.write(text);
  await once(socket, 'data');
  return performance.now() - startedAt;
}

describe('startTcpProxy', () => {
  let echo: Server;
  let proxy: TcpProxy;
  let clients: Socket[];
  /** The end of the newest connection. */
  let upstream: Socket | undefined;

  beforeEach(async () => {
    clients = [];
    echo = createServer({ allowHalfOpen: true }, (socket) => {
      upstream = socket;
      socket.on('error', () => socket.destroy());
      socket.pipe(socket);
    });
    echo.listen(0, '127.0.0.1');
    await once(echo, 'listening');
    proxy = await startTcpProxy({ target: { port: (echo.address() as AddressInfo).port } });
  });

  afterEach(async () => {
    for (const client of clients) client.destroy();
    await proxy.stop();
    echo.close();
  });

  async function client(): Promise<Socket> {
    const socket = connect(proxy.port, '127.0.0.1');
    clients.push(socket);
    await once(socket, 'connect');
    return socket;
  }

  it('carries all bytes in order, and the end', async () => {
    const socket = await client();
    const sent = Buffer.alloc(5_000_000).map((_, index) => index % 251);
    socket.end(sent);
    expect(Buffer.concat(await socket.toArray()).equals(sent)).toBe(true);
    expect(proxy.accepted).toBe(1);
    await expect.poll(() => proxy.open).toBe(0);
  });

  it('cuts what is open and lets new connections in', async () => {
    const sockets = [await client(), await client()];
    await Promise.all(sockets.map((socket) => roundTrip(socket)));
    expect(proxy.open).toBe(2);
    const errors = Promise.allSettled(sockets.map((socket) => once(socket, 'close')));
    expect(proxy.cut()).toBe(2);
    expect(proxy.open).toBe(0);
    expect((await errors).map((result) => result.status === 'rejected' && String(result.reason))).toEqual([
      expect.stringContaining('ECONNRESET'),
      expect.stringContaining('ECONNRESET'),
    ]);
    await roundTrip(await client());
    expect(proxy.accepted).toBe(3);
  });

  it('refuses new connections and keeps the open ones', async () => {
    const socket = await client();
    await roundTrip(socket);
    proxy.refuse();
    await expect(client()).rejects.toThrow('ECONNREFUSED');
    await roundTrip(socket);
    await proxy.accept();
    await roundTrip(await client());
  });

  it('delays each direction', async () => {
    const socket = await client();
    proxy.delay(50);
    // Timers end up to a millisecond early.
    expect(await roundTrip(socket)).toBeGreaterThanOrEqual(90);
  });

  it('throttles', async () => {
    const socket = await client();
    proxy.throttle(100_000);
    const startedAt = performance.now();
    socket.end(Buffer.alloc(20_000));
    expect(Buffer.concat(await socket.toArray())).toHaveLength(20_000);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(150);
  });

  it('holds everything back in a black hole and delivers it afterwards', async () => {
    const socket = await client();
    await roundTrip(socket);
    proxy.blackHole(true);
    const trip = roundTrip(socket, 'held');
    expect(await Promise.race([trip, sleep(100, 'nothing')])).toBe('nothing');
    expect(socket.destroyed).toBe(false);
    proxy.blackHole(false);
    expect(await trip).toBeGreaterThanOrEqual(90);
  });

  it('holds answers back while what is sent arrives', async () => {
    const socket = await client();
    await roundTrip(socket);
    const arrived = once(upstream!, 'data');
    proxy.holdAnswers(true);
    const trip = roundTrip(socket, 'held');
    expect(String((await arrived)[0])).toBe('held');
    expect(await Promise.race([trip, sleep(100, 'nothing')])).toBe('nothing');
    proxy.holdAnswers(false);
    await trip;
  });
});
