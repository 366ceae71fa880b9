import { createConnection } from 'node:net';
import { MILLRACE_MAIN } from '../millrace-process.ts';
import { freePort } from './free-port.ts';
import { type ServerControl, serverDirectory, startServer } from './server-process.ts';

export interface AerospikeDevProcessOptions {
  /** Default `profiles` and `aggregates`: as many as Community Edition takes. */
  readonly namespaces?: readonly string[];
}

export interface AerospikeDevProcess extends ServerControl {
  /** `127.0.0.1:PORT`, as the official client takes it. */
  readonly hosts: string;
}

/**
 * Starts `millrace aerospike-dev` in a process of its own, with one node, so that its CPU time can be told from the
 * rest; a restart begins empty.
 */
export async function startAerospikeDevProcess({
  namespaces = ['profiles', 'aggregates'],
}: AerospikeDevProcessOptions = {}): Promise<AerospikeDevProcess> {
  const port = await freePort();
  const control = await startServer(await serverDirectory('aerospike-dev'), {
    name: 'aerospike-dev',
    command: process.execPath,
    arguments: [MILLRACE_MAIN, 'aerospike-dev', '--port', String(port), '--namespaces', namespaces.join(',')],
    ready: () => isListening(port),
  });
  return Object.assign(control, { hosts: `127.0.0.1:${port}` });
}

function isListening(port: number): Promise<boolean> {
  const socket = createConnection({ port, host: '127.0.0.1' });
  const { promise, resolve } = Promise.withResolvers<boolean>();
  socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
  return promise.finally(() => socket.destroy());
}
