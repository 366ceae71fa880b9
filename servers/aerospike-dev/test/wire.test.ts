import { startAerospikeDev } from '@millrace/aerospike-dev';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const [VERSION, INFO, ADMIN, MESSAGE] = [2, 1, 2, 3];

function frame(type: number, body: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header[0] = VERSION;
  header[1] = type;
  header.writeUIntBE(body.length, 2, 6);
  return Buffer.concat([header, body]);
}

const info = (command: string): Buffer => frame(INFO, Buffer.from(`${command}\n`));

describe('the wire', () => {
  let server: Awaited<ReturnType<typeof startAerospikeDev>>;
  beforeAll(async () => (server = await startAerospikeDev({ port: 0 })));
  afterAll(() => server.stop());

  /** All that is answered until so many bytes have come, or the connection has ended. */
  async function answers(bytes: number, send: (socket: Socket) => void | Promise<void>): Promise<Buffer> {
    const socket = connect(server.port, '127.0.0.1');
    socket.setNoDelay(true);
    await once(socket, 'connect');
    const received: Buffer[] = [];
    const done = new Promise<Buffer>((resolve) => {
      socket.on('data', (chunk: Buffer) => {
        received.push(chunk);
        if (Buffer.concat(received).length >= bytes) socket.end();
      });
      socket.on('close', () => resolve(Buffer.concat(received)));
      socket.on('error', () => socket.destroy());
    });
    await send(socket);
    return done;
  }

  it('says what to do when another program has the port', async () => {
    await expect(startAerospikeDev({ port: server.port })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: `cannot listen on 127.0.0.1:${server.port}: another program has the port, choose another --port`,
    });
  });

  const PARTITIONS = frame(INFO, Buffer.from('partitions\t4096\n'));

  it('takes a frame byte by byte', async () => {
    const read = await answers(PARTITIONS.length, async (socket) => {
      for (const byte of info('partitions')) {
        socket.write(Buffer.from([byte]));
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    expect(read).toEqual(PARTITIONS);
  });

  it('takes several frames at once, and one that ends in the next piece', async () => {
    const frames = Buffer.concat([info('partitions'), info('partitions'), info('partitions')]);
    const read = await answers(3 * PARTITIONS.length, async (socket) => {
      socket.write(frames.subarray(0, frames.length - 3));
      await new Promise((resolve) => setImmediate(resolve));
      socket.write(frames.subarray(frames.length - 3));
    });
    expect(read).toEqual(Buffer.concat([PARTITIONS, PARTITIONS, PARTITIONS]));
  });

  it('answers a login with code 51: there are no users', async () => {
    const read = await answers(24, (socket) => void socket.write(frame(ADMIN, Buffer.alloc(16))));
    expect([read[1], read[9]]).toEqual([ADMIN, 51]);
  });

  it.each([
    ['of another protocol', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['of an unknown type', frame(9, Buffer.alloc(4))],
    ['that are too many for one frame', Buffer.from([VERSION, MESSAGE, 0, 1, 0, 0, 0, 0])],
  ])('ends a connection that sends bytes %s', async (_name, bytes) => {
    expect(await answers(1, (socket) => void socket.write(bytes))).toEqual(Buffer.alloc(0));
  });

  it.each([
    ['is cut short', Buffer.alloc(10)],
    ['claims fields that it does not have', Buffer.from([22, 1, 0, 0, 0, 0, ...Array<number>(13).fill(0), 5, 0, 0])],
  ])('answers a message that %s with code 4', async (_name, body) => {
    const read = await answers(30, (socket) => void socket.write(frame(MESSAGE, body)));
    expect(read[13]).toBe(4);
  });
});
