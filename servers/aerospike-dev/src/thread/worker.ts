import { MillraceError } from '@millrace/core';
import { parentPort, workerData } from 'node:worker_threads';
import type { AerospikeDev } from '../aerospike-dev.ts';
import type { FaultRule } from '../faults/faults.ts';
import type { AerospikeDevOptions } from '../options.ts';
import { runAerospikeDev } from '../run.ts';
import type { Call, PlainError, Report } from './protocol.ts';

const port = parentPort!;
const report = (message: Report): void => port.postMessage(message);

try {
  const server = await runAerospikeDev(workerData as AerospikeDevOptions, (error) =>
    report({ kind: 'failure', error: plain(error) }),
  );
  port.on('message', (call: Call) => void answer(server, call));
  report({ kind: 'started', hosts: server.hosts, ports: server.ports });
} catch (error) {
  report({ kind: 'refused', error: plain(error) });
}

async function answer(server: AerospikeDev, { id, method, parameters }: Call): Promise<void> {
  try {
    report({ kind: 'result', id, value: await run(server, method, parameters) });
  } catch (error) {
    report({ kind: 'error', id, error: plain(error) });
  }
  if (method === 'stop') port.close();
}

function run(server: AerospikeDev, method: string, [first]: readonly unknown[]): Promise<unknown> {
  switch (method) {
    case 'faults.add':
      return server.faults.add(first as FaultRule);
    case 'faults.remove':
      return server.faults.remove(first as number);
    case 'faults.clear':
      return server.faults.clear();
    case 'faults.list':
      return server.faults.list();
    case 'records':
      return server.records(first as string);
    case 'loseNode':
      return server.loseNode(first as number);
    case 'returnNode':
      return server.returnNode(first as number);
    case 'movePartitions':
      return server.movePartitions();
    case 'saveSnapshot':
      return server.saveSnapshot();
    case 'stop':
      return server.stop();
    default:
      throw new MillraceError('INTERNAL', `aerospike-dev has no method ${method}`);
  }
}

function plain(error: unknown): PlainError {
  if (error instanceof MillraceError) return { message: error.message, code: error.code };
  return { message: error instanceof Error ? (error.stack ?? error.message) : String(error), code: undefined };
}
