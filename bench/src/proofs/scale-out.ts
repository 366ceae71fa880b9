import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  caughtUp,
  freePort,
  queryOf,
  sendTags,
  startHaproxy,
  startKafka,
  startRedis,
  startRole,
  TagOracle,
  type RoleProcess,
} from '@millrace/testkit';
import type { Proof, ProofContext, ProofResult } from '../proof.ts';

const HAPROXY_CONFIG = new URL('../../../deploy/haproxy.cfg', import.meta.url);
/** The least that Kafka allows; until then nobody has the partitions of a processor that was killed. */
const SESSION_TIMEOUT = '6s';

/** Kafka and Redis, two frontends behind HAProxy, three processors: parts die and join while tags are sent. */
export const proof: Proof = {
  name: 'scale-out',
  title: 'Kafka + Redis behind HAProxy, frontend and processor killed, one added: every tag counts exactly once',
  needs: ['kafka', 'redis', 'haproxy'],
  async run(context) {
    const stops: (() => Promise<unknown>)[] = [];
    try {
      return await scaleOut(context, (stop) => void stops.push(stop));
    } finally {
      for (const stop of stops.toReversed()) await stop();
    }
  },
};

async function scaleOut(context: ProofContext, onStop: (stop: () => Promise<unknown>) => void): Promise<ProofResult> {
  const full = context.size === 'full';
  const tags = full ? 300_000 : 6000;
  const [kafka, redis] = await Promise.all([startKafka(), startRedis({ appendOnly: true, appendFsync: 'everysec' })]);
  onStop(() => kafka.stop());
  onStop(() => redis.stop());
  const log = `${kafka.url}/tags?session_timeout=${SESSION_TIMEOUT}`;
  const start = async (role: 'frontend' | 'processor', ...more: string[]): Promise<RoleProcess> => {
    const started = await startRole(role, ['--log', log, '--state', redis.url, ...more]);
    onStop(() => started.stop());
    return started;
  };
  // The first processor comes before any frontend has made the topic, as it may.
  const ports = [await freePort(), await freePort()];
  const starting = [start('processor'), ...ports.map((port) => start('frontend', '--port', String(port)))];
  const [processor, frontend, otherFrontend] = (await Promise.all(starting)) as [RoleProcess, RoleProcess, RoleProcess];
  await Promise.all([start('processor'), start('processor')]);
  const [first, second] = ports.map((port) => `127.0.0.1:${port}`) as [string, string];
  const haproxy = await startHaproxy({
    config: await readFile(HAPROXY_CONFIG, 'utf8'),
    env: { BIND: '127.0.0.1', STATS: `127.0.0.1:${await freePort()}`, FRONTEND_1: first, FRONTEND_2: second },
  });
  onStop(() => haproxy.stop());
  context.log(`two frontends and three processors run behind ${haproxy.url}`);

  const oracle = new TagOracle();
  const enough = new AbortController();
  const { signal } = enough;
  context.signal.addEventListener('abort', () => enough.abort(), { once: true });
  const startedAt = performance.now();
  const sending = sendTags({
    url: haproxy.url,
    oracle,
    connections: full ? 60 : 16,
    batchConnections: full ? 2 : 1,
    batchSize: full ? 100 : 20,
    goOn: true,
    signal,
  });
  const at = async (share: number): Promise<void> => {
    while (oracle.sent < share * tags && !signal.aborted) await sleep(5);
  };
  await at(0.25);
  await processor.kill();
  context.log(`a processor was killed after ${oracle.sent} tags`);
  await at(0.5);
  await frontend.kill();
  context.log(`a frontend was killed after ${oracle.sent} tags`);
  await at(0.6);
  await Promise.all([start('processor'), start('frontend', '--port', String(ports[0]))]);
  context.log(`a processor and a frontend have come after ${oracle.sent} tags`);
  await at(1);
  enough.abort();
  const { failures } = await sending;
  const seconds = (performance.now() - startedAt) / 1000;
  await caughtUp(otherFrontend.url, context.signal);
  const caughtUpMs = performance.now() - startedAt - seconds * 1000;
  const { mismatches, acknowledged, inDoubtApplied } = await oracle.compare(queryOf(haproxy.url));
  return {
    passed: mismatches.length === 0 && acknowledged > 0.9 * tags,
    figures: {
      'tags sent': oracle.sent,
      'tags acknowledged': acknowledged,
      'requests without a 204': failures.length,
      'unacknowledged but applied': inDoubtApplied,
      'tags per second, all on one machine': Math.round(oracle.sent / seconds),
      'caught up after the last tag, ms': Math.round(caughtUpMs),
      mismatches: mismatches.length,
    },
    notes: [...mismatches.slice(0, 5), ...new Set(failures)].slice(0, 10),
  };
}
