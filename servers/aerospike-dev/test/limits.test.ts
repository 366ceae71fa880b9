import { startAerospikeDev } from '@millrace/aerospike-dev';
import { onAerospikeDev } from '@millrace/testkit';
import Aerospike from 'aerospike';
import { once } from 'node:events';
import { connect as connectSocket } from 'node:net';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { clientKey, codeOf, connect } from './with-client.ts';

const MEBIBYTE = 1024 * 1024;

/** A frame with a message that reads these records as a batch, as many times as they stand there. */
function batchRead(digests: readonly Buffer[]): Buffer {
  const namespace = Buffer.from('test');
  const rows = digests.map((digest, index) => {
    const head = Buffer.alloc(4 + 20 + 1 + 1 + 2 + 2);
    head.writeUInt32BE(index);
    digest.copy(head, 4);
    // No flags of a row, all bins, one field (the namespace), no operations.
    head[25] = 3;
    head.writeUInt16BE(1, 26);
    return Buffer.concat([head, field(0, namespace)]);
  });
  const count = Buffer.alloc(5);
  count.writeUInt32BE(digests.length);
  const header = Buffer.alloc(22);
  header[0] = 22;
  header[1] = 1 | 8;
  header.writeUInt16BE(1, 18);
  const body = Buffer.concat([header, field(41, Buffer.concat([count, ...rows]))]);
  const frame = Buffer.alloc(8);
  frame[0] = 2;
  frame[1] = 3;
  frame.writeUIntBE(body.length, 2, 6);
  return Buffer.concat([frame, body]);
}

function field(type: number, bytes: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length + 1);
  head[4] = type;
  return Buffer.concat([head, bytes]);
}

describe.runIf(onAerospikeDev)('limits of the server', () => {
  let server: Awaited<ReturnType<typeof startAerospikeDev>>;
  const sockets: Socket[] = [];
  beforeEach(async () => {
    server = await startAerospikeDev({ port: 0, maxConnections: 20 });
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await server.stop();
  });

  async function open(): Promise<Socket> {
    const socket = connectSocket(server.port, '127.0.0.1');
    sockets.push(socket);
    socket.on('error', () => socket.destroy());
    await once(socket, 'connect');
    return socket;
  }

  it('holds a piece of one answer for a client that asks for 500 MB and reads nothing, then sends it all', async () => {
    const client = await connect(server);
    const keys = Array.from({ length: 10 }, (_, n) => clientKey('test', 'demo', n));
    await Promise.all(keys.map((key) => client.put(key, { blob: Buffer.alloc(1_000_000) })));
    const request = batchRead(Array.from({ length: 10 }, () => keys.map(({ digest }) => digest!)).flat());
    const requests = 5;
    const before = process.memoryUsage().rss;
    const socket = await open();
    socket.pause();
    for (let sent = 0; sent < requests; sent++) socket.write(request);
    // Others are served meanwhile: after so many answers the server has done with the requests what it can.
    for (let n = 0; n < 200; n++) expect(await codeOf(client.get(keys[n % 10]!))).toBe(0);
    // The answers are 500 MB; those to the others are garbage, which is collected at any time.
    expect((process.memoryUsage().rss - before) / MEBIBYTE).toBeLessThan(300);

    let received = 0;
    socket.on('data', (chunk: Buffer) => (received += chunk.length));
    socket.resume();
    const answered = requests * 100 * 1_000_000;
    await vi.waitFor(() => expect(received).toBeGreaterThan(answered), { timeout: 60_000, interval: 50 });
    client.close(false);
  });

  it('answers a batch of 100,000 rows, each with its own outcome', async () => {
    const client = await connect(server);
    const keys = Array.from({ length: 1000 }, (_, n) => clientKey('test', 'demo', n));
    const { BATCH_WRITE } = Aerospike.batchType;
    await client.batchWrite(
      keys.slice(1).map((key, n) => ({ type: BATCH_WRITE, key, ops: [Aerospike.operations.write('n', n + 1)] })),
    );
    const rows = Array.from({ length: 100_000 }, (_, n) => ({ key: keys[n % 1000]!, readAllBins: true }));
    const found = await client.batchRead(rows);
    const wrong = found.findIndex(({ status, record }, n) =>
      n % 1000 === 0 ? status !== 2 : record.bins['n'] !== n % 1000,
    );
    expect(wrong).toBe(-1);
    client.close(false);
  });

  it('closes a connection above its limit, and serves the others', async () => {
    const first = await open();
    const others = await Promise.all(Array.from({ length: 19 }, () => open()));
    const refused = await open();
    await once(refused, 'close');
    first.write(Buffer.concat([Buffer.from([2, 1, 0, 0, 0, 0, 0, 5]), Buffer.from('node\n')]));
    const [answer] = (await once(first, 'data')) as [Buffer];
    expect(answer.toString('latin1', 8)).toMatch(/^node\tBB9/);
    others[0]!.destroy();
    await once(others[0]!, 'close');
    await vi.waitFor(
      async () => {
        const next = await open();
        next.write(Buffer.from([2, 1, 0, 0, 0, 0, 0, 0]));
        const [answered] = await Promise.race([once(next, 'data'), once(next, 'close')]);
        expect(answered).toBeInstanceOf(Buffer);
      },
      { timeout: 60_000 },
    );
  });

  it('tells a client that wants more connections than there are, and goes on with those that it has', async () => {
    const client = await connect(server, { maxConnsPerNode: 100 });
    const once = new Aerospike.WritePolicy({ maxRetries: 0, totalTimeout: 20_000 });
    const put = (n: number) => codeOf(client.put(clientKey('test', 'demo', n), { n }, {}, once));
    const codes = await Promise.all(Array.from({ length: 60 }, (_, n) => put(n)));
    expect(codes.filter((code) => code === 0).length).toBeGreaterThan(0);
    expect(codes.filter((code) => code < 0).length).toBeGreaterThan(0);
    expect(await put(1)).toBe(0);
    client.close(false);
  });
});
