import { serverAvailable } from './available.ts';
import { type RedisAddress, redisCommand, type RedisReply } from './redis-command.ts';
import { type RedisOptions, startRedis } from './redis.ts';

/** `redis://[:password@]host:port` of a running server that the suites shall run against: a Valkey, say. */
const REAL_URL = process.env['REDIS_URL'];

/** A server for what needs no control over its process. */
export interface AnyRedis {
  readonly url: string;
  command(...command: readonly string[]): Promise<RedisReply>;
  /** Ends a server of our own; one that was named goes on, with what the tests have written. */
  stop(): Promise<void>;
}

/** As `serverAvailable('redis')`, and true when `REDIS_URL` names a server. */
export const anyRedisAvailable = (): boolean => REAL_URL !== undefined || serverAvailable('redis');

/** The running server that `REDIS_URL` names; without it, one of our own. A named one keeps its data: use names of your own. */
export async function anyRedis(options: RedisOptions = {}): Promise<AnyRedis> {
  if (REAL_URL === undefined) {
    const server = await startRedis(options);
    const { url } = server;
    return { url, command: (...command) => redisCommand(server, ...command), stop: () => server.stop() };
  }
  const { hostname: host, port, password } = new URL(REAL_URL);
  const login = password === '' ? {} : { password: decodeURIComponent(password) };
  const address: RedisAddress = { host, port: Number(port === '' ? 6379 : port), ...login };
  return { url: REAL_URL, command: (...command) => redisCommand(address, ...command), stop: async () => {} };
}
