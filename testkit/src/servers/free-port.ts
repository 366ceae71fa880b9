import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

const LOWEST = 10_000;
/** Systems take the ports of outgoing connections from above here, so a stopped server keeps its port for its restart. */
const HIGHEST = 32_000;
const ATTEMPTS = 100;

/**
 * A port on 127.0.0.1 that nobody listens on, for a server that cannot choose one itself. No other caller gets it while
 * this process lives, so it stays free between two runs of its server, too.
 *
 * @param count so many in a row; the first of them is the result
 */
export async function freePort(count = 1): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const first = randomInt(LOWEST, HIGHEST);
    const ports = Array.from({ length: count }, (_, index) => first + index);
    const are = await Promise.all(ports.map(async (port) => (await claim(port)) && (await isFree(port))));
    if (!are.includes(false)) return first;
  }
  throw new Error(`no free port between ${LOWEST} and ${HIGHEST} found in ${ATTEMPTS} attempts`);
}

/** Ports of UDP are others than those of TCP; whoever binds one has it, and gives it back when its process ends. */
async function claim(port: number): Promise<boolean> {
  const socket = createSocket('udp4').unref();
  const isBound = await unlessInUse(() => socket.bind({ port, address: '127.0.0.1' }), once(socket, 'listening'));
  if (!isBound) socket.close();
  return isBound;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  if (!(await unlessInUse(() => server.listen(port, '127.0.0.1'), once(server, 'listening')))) return false;
  server.close();
  await once(server, 'close');
  return true;
}

async function unlessInUse(listen: () => unknown, listening: Promise<unknown>): Promise<boolean> {
  try {
    listen();
    await listening;
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return false;
    throw error;
  }
}
