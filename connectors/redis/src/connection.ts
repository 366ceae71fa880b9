import { readFile } from 'node:fs/promises';
import type { ConnectionOptions as TlsOptions } from 'node:tls';

import { hasCode, MillraceError } from '@millrace/core';
import type { Cluster, Redis, RedisOptions } from 'ioredis';

import type { RedisAddress } from './address.ts';
import { eachConnection } from './each-connection.ts';
import { hasReply, redisError } from './errors.ts';
import { refuseNeedlessPassword } from './needless-password.ts';

export type RedisClient = Redis | Cluster;

/** One connection (on a Cluster, one per node). Once lost it stays lost: whoever holds it connects again. */
export interface RedisConnection {
  readonly client: RedisClient;
  /** Aborts when the connection is lost or closed; the reason is a MillraceError. */
  readonly lost: AbortSignal;
  /** At once: what is under way is rejected, with this reason. */
  close(reason?: string): void;
}

export interface ConnectOptions {
  readonly signal?: AbortSignal | undefined;
  /** Longest wait for an answer, milliseconds; 0: none, for blocking commands. Default: as the address says. */
  readonly commandTimeoutMs?: number;
}

/**
 * Connects, and resolves when Redis takes commands.
 *
 * The driver retries nothing: a lost connection rejects what was in flight, and a command on a lost connection is
 * rejected at once. Only redirections of a Cluster are followed. The driver is loaded at the first call.
 *
 * @throws UNAVAILABLE, UNAUTHORIZED, REFUSED; INVALID_OPTION for a certificate file that cannot be read; CANCELLED
 */
export async function connect(address: RedisAddress, options: ConnectOptions = {}): Promise<RedisConnection> {
  try {
    return await connectOnce(address, options);
  } catch (error) {
    if (address.kind === 'sentinel' && hasCode(error, 'UNAVAILABLE') && error.message.includes(NO_SENTINEL)) {
      // Why not, the driver keeps to itself. A Sentinel that can be reached now changes nothing: the caller tries again.
      const login = { username: undefined, password: address.sentinelPassword, db: 0 };
      const sentinel: RedisAddress = { ...address, ...login, kind: 'server', nodes: [address.nodes[0]] };
      // Only why it cannot be reached: what else a Sentinel that is back has to say is not why the attempt failed.
      await connectOnce(sentinel, options).then(
        (reached) => reached.close(),
        (reason: unknown) => {
          if (hasCode(reason, 'UNAVAILABLE')) throw reason;
        },
      );
    }
    throw error;
  }
}

async function connectOnce(address: RedisAddress, options: ConnectOptions): Promise<RedisConnection> {
  const { signal } = options;
  assertRunning(signal);
  const client = await createClient(address, options.commandTimeoutMs ?? address.commandTimeout);
  const lost = new AbortController();
  let cause: unknown;
  eachConnection(client, (connection) => {
    refuseNeedlessPassword(connection, address);
    // The driver rejects with "Connection is closed." and tells the reason here.
    connection.on('error', (error: unknown) => (cause = error));
  });
  // A Cluster as such tells an answer of its last node, or else less than has been told about that node.
  if (client.isCluster) {
    client.on('error', (error: unknown) => {
      if (cause === undefined || hasReply(error)) cause = error;
    });
  }
  const lose = (error: unknown): void => {
    if (!lost.signal.aborted) lost.abort(redisError(error, address));
    // Told that its stream has closed already, the driver would leave a timer of 2 s behind.
    if (client.isCluster || !['close', 'end'].includes(client.status)) client.disconnect();
  };
  for (const event of ['close', 'end']) client.on(event, () => lose(cause ?? new Error('the connection was closed')));
  const timer = setTimeout(
    () => lose(new Error(`no connection within ${address.connectTimeout} ms`)),
    address.connectTimeout,
  );
  const cancel = (): void => lose(cancelled());
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    await unlessLost(lost.signal, connected(client, address.db));
    // One node of a Cluster may have had a reason of its own: not that of a loss that comes later.
    cause = undefined;
    const close = (reason = 'the connection was closed by us'): void => lose(new Error(reason));
    return { client, lost: lost.signal, close };
  } catch (error) {
    lose(cause ?? error);
    throw lost.signal.reason;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', cancel);
  }
}

async function connected(client: RedisClient, db: number): Promise<void> {
  await client.connect();
  // Not left to the driver, which goes on in database 0 when the server has fewer, or the user may not choose.
  if (db !== 0) await (client as Redis).select(db);
  // The driver connects to a node at its first command, and rejects all others until that is done.
  if (client.isCluster) await Promise.all((client as Cluster).nodes('master').map((node) => node.ping()));
}

/** Rejects with the reason as soon as the connection is lost: not every promise of the driver does. */
export function unlessLost<T>(lost: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const fail = (): void => reject(lost.reason as MillraceError);
    if (lost.aborted) fail();
    lost.addEventListener('abort', fail, { once: true });
    work.then(resolve, reject).finally(() => lost.removeEventListener('abort', fail));
  });
}

async function createClient(address: RedisAddress, commandTimeout: number): Promise<RedisClient> {
  const driver = await import('ioredis');
  const tls = address.tls ? await tlsOptions(address) : undefined;
  const common = {
    ...(address.username === undefined ? {} : { username: address.username }),
    ...(address.password === undefined ? {} : { password: address.password }),
    ...(tls === undefined ? {} : { tls }),
    ...(commandTimeout === 0 ? {} : { commandTimeout }),
    // Spoken by every Redis, and cheaper to parse.
    protocol: 2 as const,
    connectTimeout: address.connectTimeout,
    disableClientInfo: true,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
  } satisfies RedisOptions;
  const [first] = address.nodes;
  if (address.kind === 'cluster') {
    return new driver.Cluster([...address.nodes], {
      redisOptions: common,
      lazyConnect: true,
      // Left to each connection: certificates name hosts, and one name that is unknown must not stop all others.
      dnsLookup: (host, found) => found(null, host),
      enableOfflineQueue: false,
      clusterRetryStrategy: never,
      retryDelayOnFailover: 0,
      retryDelayOnClusterDown: 0,
      slotsRefreshTimeout: address.connectTimeout,
    });
  }
  const single = {
    ...common,
    lazyConnect: true,
    enableOfflineQueue: false,
    retryStrategy: never,
  } satisfies RedisOptions;
  if (address.kind === 'server') return new driver.Redis({ ...single, host: first.host, port: first.port });
  return new driver.Redis({
    ...single,
    sentinels: [...address.nodes],
    name: address.sentinel ?? '',
    sentinelRetryStrategy: never,
    ...(address.sentinelPassword === undefined ? {} : { sentinelPassword: address.sentinelPassword }),
    ...(tls === undefined ? {} : { enableTLSForSentinelMode: true, sentinelTLS: tls }),
  });
}

async function tlsOptions({ tlsCa, tlsCert, tlsKey, tlsVerify }: RedisAddress): Promise<TlsOptions> {
  return {
    rejectUnauthorized: tlsVerify,
    ...(tlsCa === undefined ? {} : { ca: await readPem('tls-ca', tlsCa) }),
    ...(tlsCert === undefined ? {} : { cert: await readPem('tls-cert', tlsCert) }),
    ...(tlsKey === undefined ? {} : { key: await readPem('tls-key', tlsKey) }),
  };
}

async function readPem(field: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new MillraceError('INVALID_OPTION', `${field}: ${path} cannot be read`, { field, value: path, cause });
  }
}

/** How the driver begins when it could connect to none. */
const NO_SENTINEL = 'All sentinels are unreachable';

/** For each of the driver's ways to retry. */
const never = (): null => null;

function assertRunning(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw cancelled();
}

const cancelled = (): MillraceError => new MillraceError('CANCELLED', 'connecting to Redis was cancelled');
