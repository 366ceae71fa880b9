import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { type RedisAddress, redisCommand } from './redis-command.ts';
import { certificateOf, type RedisOptions, type RedisServer, startRedis, tlsSettings } from './redis.ts';
import { type ServerControl, serverDirectory, startServer } from './server-process.ts';
import { waitUntil } from './wait-until.ts';

const SENTINELS = 3;
const QUORUM = 2;
const NAME = 'main';
const READY_TIMEOUT_MS = 90_000;
/** Of a master that is not heard: first so long that no pause of a busy machine makes them choose another one. */
const DOWN_AFTER_MS = { untilKilled: 600_000, onceKilled: 500 };

export interface RedisSentinel {
  /** The name under which the sentinels know the master. */
  readonly name: string;
  /** Master and replica at the start; a failover changes their roles. */
  readonly master: RedisServer;
  readonly replica: RedisServer;
  readonly sentinels: readonly (ServerControl & RedisAddress)[];
  /** The port of the master that the sentinels agree on now. @throws Error while they do not */
  masterPort(): Promise<number>;
  /** Kills the master, after which the sentinels miss it within half a second. Before that they never fail over. */
  killMaster(): Promise<void>;
  /** Ends everything and removes the data. */
  stop(): Promise<void>;
}

export interface SentinelOptions extends RedisOptions {
  /** Of the sentinels themselves. */
  readonly sentinelPassword?: string;
}

/**
 * Starts a master, its replica and three sentinels, and resolves when the sentinels know all of them.
 *
 * @param options of master and replica
 */
export async function startSentinel(options: SentinelOptions = {}): Promise<RedisSentinel> {
  const started: ServerControl[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(started.map((server) => server.stop()));
  };
  try {
    // By default a master waits 5 s for further replicas before it sends the first its data.
    const atOnce = [...(options.arguments ?? []), '--repl-diskless-sync-delay', '0'];
    const master = await startRedis({ ...options, arguments: atOnce });
    started.push(master);
    const of = `--replicaof 127.0.0.1 ${master.port}`.split(' ');
    const replica = await startRedis({ ...certificateOf(master), ...options, arguments: [...of, ...atOnce] });
    started.push(replica);
    const sentinels = await startSentinels(master, replica, started, options);
    const masterPort = async (): Promise<number> => {
      const answers = await Promise.all(
        sentinels.map((sentinel) => redisCommand(sentinel, 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME)),
      );
      const ports = new Set(answers.map((answer) => Number((answer as readonly string[])[1])));
      const [port, ...others] = ports;
      if (port === undefined || others.length > 0) throw new Error('the sentinels do not agree on the master');
      return port;
    };
    const killMaster = async (): Promise<void> => {
      await master.kill();
      const setting = ['down-after-milliseconds', String(DOWN_AFTER_MS.onceKilled)];
      await Promise.all(sentinels.map((sentinel) => redisCommand(sentinel, 'SENTINEL', 'SET', NAME, ...setting)));
    };
    await waitUntil('the sentinels see master, replica and one another', READY_TIMEOUT_MS, async () => {
      const checks = await Promise.all(
        sentinels.map((sentinel) => redisCommand(sentinel, 'SENTINEL', 'CKQUORUM', NAME)),
      );
      const roles = await redisCommand(master, 'INFO', 'replication');
      return checks.every((text) => String(text).startsWith('OK 3')) && String(roles).includes('state=online');
    });
    return { name: NAME, master, replica, sentinels, masterPort, killMaster, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startSentinels(
  master: RedisServer,
  replica: RedisServer,
  started: ServerControl[],
  { sentinelPassword: password, tls }: SentinelOptions,
): Promise<(ServerControl & RedisAddress)[]> {
  const members = await Promise.all(
    Array.from({ length: SENTINELS }, async (_, index) => ({
      port: await freePort(),
      id: createHash('sha1').update(`sentinel ${index}`).digest('hex'),
    })),
  );
  const sentinels: (ServerControl & RedisAddress)[] = [];
  for (const { port, id } of members) {
    const directory = await serverDirectory('sentinel');
    const file = join(directory, 'sentinel.conf');
    const listening =
      master.certificate === undefined ? { port } : tlsSettings(port, master.certificate, tls === 'mutual');
    const lines = [
      ...Object.entries(listening).map(([name, value]) => `${name} ${value}`),
      'bind 127.0.0.1',
      `dir ${directory}`,
      `sentinel myid ${id}`,
      `sentinel monitor ${NAME} 127.0.0.1 ${master.port} ${QUORUM}`,
      `sentinel down-after-milliseconds ${NAME} ${DOWN_AFTER_MS.untilKilled}`,
      `sentinel failover-timeout ${NAME} 2000`,
      ...(password === undefined ? [] : [`requirepass ${password}`, `sentinel sentinel-pass ${password}`]),
      ...(master.password === undefined ? [] : [`sentinel auth-pass ${NAME} ${master.password}`]),
      // They would find the others by themselves, but seconds later.
      `sentinel known-replica ${NAME} 127.0.0.1 ${replica.port}`,
      ...members
        .filter((other) => other.port !== port)
        .map((other) => `sentinel known-sentinel ${NAME} 127.0.0.1 ${other.port} ${other.id}`),
    ];
    await writeFile(file, `${lines.join('\n')}\n`);
    const { ca, key } = master;
    const address: RedisAddress = {
      port,
      ...(password === undefined ? {} : { password }),
      ...(ca === undefined ? {} : { ca }),
      ...(key === undefined ? {} : { key }),
    };
    const control = await startServer(directory, {
      name: 'redis-sentinel',
      command: 'redis-server',
      arguments: [file, '--sentinel'],
      ready: async () => (await redisCommand(address, 'PING')) === 'PONG',
    });
    started.push(control);
    sentinels.push(Object.assign(control, address));
  }
  return sentinels;
}
