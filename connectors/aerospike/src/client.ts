import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread } from 'node:worker_threads';

import { MillraceError } from '@millrace/core';
import type { Client, ConfigOptions } from 'aerospike';

import type { AerospikeAddress } from './address.ts';
import { aerospikeError, failureOf } from './errors.ts';

/** The official client's module. */
export type Driver = typeof import('aerospike');

/** A connected client, and what is needed to talk to it. */
export interface AerospikeConnection {
  readonly driver: Driver;
  readonly client: Client;
  readonly address: AerospikeAddress;
  /** What policies of single writes begin with: they replace the default ones as a whole. */
  readonly writeDefaults: WriteDefaults;
  /** Closes the client; what is under way is rejected. May be called more than once. */
  close(): void;
}

/** Rules of every write that Millrace repeats by itself. */
interface WriteDefaults extends MasterReads {
  readonly totalTimeout: number;
  readonly socketTimeout: number;
  readonly maxRetries: number;
  readonly commitLevel: number;
}

interface MasterReads {
  readonly replica: number;
  readonly readModeAP: number;
}

const PAUSE_MS = { first: 20, longest: 500 };

interface ConnectOptions {
  /** Default: the one of the address. */
  readonly namespaces?: readonly string[];
  readonly signal?: AbortSignal;
  /** Whether to try for as long as the address allows. False tries every way in once, for who comes again by itself. */
  readonly waits?: boolean;
}

/**
 * Loads the official client and connects, waiting until the cluster serves the namespace: after its start a server may
 * refuse commands for a while although it takes connections.
 *
 * @throws CONNECTOR_NOT_INSTALLED, UNAVAILABLE, UNAUTHORIZED, REFUSED for a namespace that there is not, CANCELLED,
 *   NOT_SUPPORTED in a worker thread, where the official client ends the process
 */
export async function connect(
  address: AerospikeAddress,
  { namespaces = [address.namespace], signal, waits = true }: ConnectOptions = {},
): Promise<AerospikeConnection> {
  const driver = await loadDriver();
  const deadline = Date.now() + address.connectTimeout;
  const { nodes } = address;
  const attempts = waits ? Infinity : nodes.length === 1 ? 1 : 1 + nodes.length;
  for (let pauseMs = PAUSE_MS.first, attempt = 0; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MS.longest), attempt++) {
    if (signal?.aborted === true) throw new MillraceError('CANCELLED', 'connecting to Aerospike was cancelled');
    // Where all but one are away the client fails for their sake; a node alone names those that there are.
    const seeds = attempt === 0 ? nodes : [nodes[(attempt - 1) % nodes.length]!];
    try {
      return await connectOnce(driver, { ...address, nodes: seeds }, namespaces);
    } catch (error) {
      const failure = aerospikeError(error, address.display);
      if (!failure.retry || attempt + 1 >= attempts || Date.now() + pauseMs > deadline) throw failure;
    }
    await sleep(pauseMs);
  }
}

async function connectOnce(
  driver: Driver,
  address: AerospikeAddress,
  namespaces: readonly string[],
): Promise<AerospikeConnection> {
  let client: Client;
  try {
    client = await driver.connect(configOf(driver, address));
  } catch (error) {
    // A client that could not connect keeps the process alive as well.
    (error as { readonly client?: Client }).client?.close(false);
    throw error;
  }
  let isClosed = false;
  const close = (): void => {
    if (!isClosed) client.close(false);
    isClosed = true;
  };
  try {
    for (const namespace of namespaces) await assertReady(client, namespace, address);
    return { driver, client, address, writeDefaults: writeDefaultsOf(driver, address), close };
  } catch (error) {
    close();
    throw error;
  }
}

/** @throws UNAVAILABLE while the partitions are not balanced yet; REFUSED for a namespace that there is not */
async function assertReady(client: Client, namespace: string, { display }: AerospikeAddress): Promise<void> {
  const generations = await client.infoAll('partition-generation');
  const starting = generations.find(({ info }) => !(Number(answerOf(info)) >= 0));
  if (starting !== undefined || generations.length === 0) {
    throw new MillraceError('UNAVAILABLE', `Aerospike at ${display} is still starting: wait until it serves commands`);
  }
  const known = answerOf((await client.infoAll('namespaces'))[0]?.info).split(';');
  if (!known.includes(namespace)) {
    throw new MillraceError(
      'REFUSED',
      `Aerospike at ${display} has no namespace "${namespace}": use one of ${known.join(', ')}, or add it to the ` +
        'configuration of the server',
      { field: 'namespace', value: namespace, accepted: known.join(', ') },
    );
  }
}

/** Info answers are the command, a tab, the value and a line feed. */
export const answerOf = (info: string | undefined): string => (info ?? '').trimEnd().split('\t').at(-1) ?? '';

function configOf(driver: Driver, address: AerospikeAddress): ConfigOptions {
  const { totalTimeout, socketTimeout, maxRetries, username, password } = address;
  const time = { totalTimeout, socketTimeout };
  const read = { ...time, maxRetries, ...masterReads(driver) };
  const write = writeDefaultsOf(driver, address);
  return {
    hosts: [...address.nodes],
    connTimeoutMs: address.connectTimeout,
    maxConnsPerNode: address.maxConnsPerNode,
    log: { level: driver.log.OFF },
    policies: {
      read: new driver.ReadPolicy(read),
      batch: new driver.BatchPolicy(read),
      write: new driver.WritePolicy(write),
      operate: new driver.OperatePolicy(write),
      remove: new driver.RemovePolicy(write),
      batchParentWrite: new driver.BatchPolicy({ ...time, maxRetries: 0, ...masterReads(driver) }),
      info: new driver.InfoPolicy({ timeout: totalTimeout }),
      // Scans take as long as there are records.
      scan: new driver.ScanPolicy({ totalTimeout: 0, socketTimeout: 30_000, ...masterReads(driver) }),
      query: new driver.QueryPolicy({ totalTimeout: 0, socketTimeout: 30_000, ...masterReads(driver) }),
    },
    ...(address.clusterName === undefined ? {} : { clusterName: address.clusterName }),
    ...(username === undefined ? {} : { user: username, authMode: authModeOf(driver, address) }),
    ...(password === undefined ? {} : { password }),
    ...(address.tls ? { tls: tlsOf(address) } : {}),
  };
}

/**
 * Reads see what was acknowledged: the client's default asks a replica at its second attempt, and while partitions move
 * a node answers with what it has.
 */
export const masterReads = ({ policy }: Driver): MasterReads => ({
  replica: policy.replica.MASTER,
  readModeAP: policy.readModeAP.ALL,
});

function writeDefaultsOf(driver: Driver, address: AerospikeAddress): WriteDefaults {
  const { totalTimeout, socketTimeout } = address;
  const commitLevel = commitLevelOf(driver, address);
  // A repeated write has to be checked first, which the client cannot do.
  return { totalTimeout, socketTimeout, maxRetries: 0, commitLevel, ...masterReads(driver) };
}

export const commitLevelOf = (driver: Driver, { commitLevel }: AerospikeAddress): number =>
  commitLevel === 'master' ? driver.policy.commitLevel.MASTER : driver.policy.commitLevel.ALL;

function authModeOf({ auth }: Driver, { authMode }: AerospikeAddress): number {
  if (authMode === 'external') return auth.EXTERNAL;
  return authMode === 'external-insecure' ? auth.EXTERNAL_INSECURE : auth.INTERNAL;
}

const tlsOf = ({ tlsCa, tlsCert, tlsKey }: AerospikeAddress): NonNullable<ConfigOptions['tls']> => ({
  enable: true,
  ...(tlsCa === undefined ? {} : { cafile: tlsCa }),
  ...(tlsCert === undefined ? {} : { certfile: tlsCert }),
  ...(tlsKey === undefined ? {} : { keyfile: tlsKey }),
});

/** @throws CONNECTOR_NOT_INSTALLED, NOT_SUPPORTED */
async function loadDriver(): Promise<Driver> {
  if (!isMainThread) {
    throw new MillraceError(
      'NOT_SUPPORTED',
      'the official client of Aerospike ends the process when it is used in a worker thread: use a child process',
    );
  }
  try {
    const { default: driver } = (await import('aerospike')) as unknown as { readonly default: Driver };
    // Until a client is connected its own setting does not count, and lines would come on the console at each attempt.
    driver.setDefaultLogging({ level: driver.log.OFF });
    return driver;
  } catch (error) {
    throw notInstalled(error);
  }
}

function notInstalled(error: unknown): MillraceError {
  const message = error instanceof Error ? error.message : String(error);
  const isMissing = (error as NodeJS.ErrnoException | undefined)?.code === 'ERR_MODULE_NOT_FOUND';
  const todo = isMissing
    ? 'npm install aerospike'
    : /yaml/i.test(message)
      ? 'it needs libyaml: install the system package libyaml-0-2 (Debian, Ubuntu) or libyaml (Fedora, Alpine, macOS)'
      : 'its native part cannot be loaded: it needs glibc 2.34 or newer, libyaml (package libyaml-0-2 on Debian and ' +
        'Ubuntu) and a Node.js version that it was built for';
  return new MillraceError(
    'CONNECTOR_NOT_INSTALLED',
    `"aerospike:" needs the package aerospike: ${todo} (${message})`,
    {
      field: 'url',
      cause: error,
    },
  );
}

/** Whether a write that failed may have been applied. */
export const isInDoubt = (error: unknown): boolean => failureOf(error)?.inDoubt === true;
