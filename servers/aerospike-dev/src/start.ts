import type { Logger } from '@millrace/core';
import { MillraceError } from '@millrace/core';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { AerospikeDev } from './aerospike-dev.ts';
import { NOTICE } from './aerospike-dev.ts';
import type { Fault } from './faults/faults.ts';
import type { AerospikeDevOptions } from './options.ts';
import type { Call, PlainError, Report } from './thread/protocol.ts';

export interface StartOptions extends AerospikeDevOptions {
  /** Default: says nothing. */
  readonly logger?: Logger;
}

type Settle = Pick<PromiseWithResolvers<unknown>, 'resolve' | 'reject'>;

/**
 * Starts a server that speaks Aerospike's wire protocol, so that the official clients work with it unchanged: for
 * development and tests only. It runs in a thread of its own, because the official client of Node.js blocks its thread
 * while it connects.
 *
 * @example
 * const server = await startAerospikeDev({ port: 0, namespaces: ['test'] });
 * const client = await Aerospike.connect({ hosts: server.hosts });
 * await server.faults.add({ kind: 'timeout-after-apply', commands: 'write', percent: 1 });
 * await server.stop();
 *
 * @throws INVALID_OPTION
 */
export async function startAerospikeDev({ logger, ...options }: StartOptions = {}): Promise<AerospikeDev> {
  logger?.warn(NOTICE);
  const worker = new Worker(workerFile(), { workerData: options });
  const calls = new Map<number, Settle>();
  const started = Promise.withResolvers<{ hosts: string; ports: readonly number[] }>();
  const exited = Promise.withResolvers<void>();
  const giveUp = (error: Error): void => {
    started.reject(error);
    for (const { reject } of calls.values()) reject(error);
    calls.clear();
  };
  worker.on('message', (message: Report) => {
    if (message.kind === 'started') started.resolve(message);
    else if (message.kind === 'refused') started.reject(revived(message.error));
    else if (message.kind === 'failure') logger?.error({ failure: message.error.message }, 'a command has failed');
    else settle(calls, message);
  });
  worker.on('error', giveUp);
  worker.on('exit', () => {
    giveUp(new MillraceError('CANCELLED', 'aerospike-dev was stopped'));
    exited.resolve();
  });

  let nextId = 0;
  const call = <T>(method: string, ...parameters: readonly unknown[]): Promise<T> => {
    const id = nextId++;
    const pending = Promise.withResolvers<unknown>();
    calls.set(id, pending);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread has no origin
    worker.postMessage({ id, method, parameters } satisfies Call);
    return pending.promise as Promise<T>;
  };
  const { hosts, ports } = await started.promise;

  const stop = async (): Promise<void> => {
    await call<void>('stop');
    await exited.promise;
  };
  let stopped: Promise<void> | undefined;
  return {
    hosts,
    ports,
    port: ports[0]!,
    faults: {
      add: (rule) => call<Fault>('faults.add', rule),
      remove: (id) => call<boolean>('faults.remove', id),
      clear: () => call<void>('faults.clear'),
      list: () => call<readonly Fault[]>('faults.list'),
    },
    records: (namespace) => call<number>('records', namespace),
    loseNode: (index) => call<void>('loseNode', index),
    returnNode: (index) => call<void>('returnNode', index),
    movePartitions: () => call<void>('movePartitions'),
    saveSnapshot: () => call<void>('saveSnapshot'),
    stop: () => (stopped ??= stop()),
  };
}

function settle(calls: Map<number, Settle>, message: Extract<Report, { id: number }>): void {
  const pending = calls.get(message.id);
  calls.delete(message.id);
  if (message.kind === 'result') pending?.resolve(message.value);
  else pending?.reject(revived(message.error));
}

const revived = ({ message, code }: PlainError): Error =>
  code === undefined ? new Error(message) : new MillraceError(code, message);

/** The worker's source, or its built form beside the built form of this module. */
const workerFile = (): string =>
  fileURLToPath(new URL(`./thread/worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url));
