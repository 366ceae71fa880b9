import { readFile } from 'node:fs/promises';
import {
  freePort,
  startHaproxy,
  startKafka,
  startRedis,
  startRole,
  type Haproxy,
  type KafkaOptions,
  type KafkaServer,
  type RedisServer,
  type RoleProcess,
} from '@millrace/testkit';

const HAPROXY_CONFIG = new URL('../../deploy/haproxy.cfg', import.meta.url);
/** The least that Kafka allows; until then nobody has the partitions of a processor that was killed. */
const SESSION_TIMEOUT = '6s';

/** A server that has the state: what must be known of it here. */
export interface StateServer {
  readonly url: string;
  stop(): Promise<unknown>;
}

/** Kafka and the server of the state, and the parts of a platform that are started on them. */
export interface SharedPlatform<S extends StateServer = StateServer> {
  readonly kafka: KafkaServer;
  readonly state: S;
  readonly start: (role: 'frontend' | 'processor', ...more: readonly string[]) => Promise<RoleProcess>;
  /** The load balancer of deploy/, before frontends on these two ports. */
  balance(ports: readonly [number, number]): Promise<Haproxy>;
  stop(): Promise<void>;
}

/** A Redis of its own for the state. */
export const redisState = (): Promise<RedisServer> => startRedis({ appendOnly: true, appendFsync: 'everysec' });

/** The log on a Kafka broker of its own, the state on the server that is started here. */
export async function startSharedPlatform<S extends StateServer>(
  startState: () => Promise<S>,
  options: KafkaOptions = {},
): Promise<SharedPlatform<S>> {
  const state = await startState();
  const kafka = await startKafka(options).catch(async (error: unknown) => {
    await state.stop();
    throw error;
  });
  const running: { stop(): Promise<unknown> }[] = [kafka, state];
  const backends = ['--log', `${kafka.url}/tags?session_timeout=${SESSION_TIMEOUT}`, '--state', state.url];
  return {
    kafka,
    state,
    async start(role, ...more) {
      const started = await startRole(role, [...backends, ...more]);
      running.push(started);
      return started;
    },
    async balance([first, second]) {
      const haproxy = await startHaproxy({
        config: await readFile(HAPROXY_CONFIG, 'utf8'),
        env: {
          BIND: '127.0.0.1',
          STATS: `127.0.0.1:${await freePort()}`,
          FRONTEND_1: `127.0.0.1:${first}`,
          FRONTEND_2: `127.0.0.1:${second}`,
        },
      });
      running.push(haproxy);
      return haproxy;
    },
    async stop() {
      for (const each of running.splice(0).toReversed()) await each.stop();
    },
  };
}
