import { freePort, redisCommand, type Haproxy, type RedisServer, type RoleProcess } from '@millrace/testkit';
import { checkedLoad, problemsOf } from '../checked-load.ts';
import { measureFreshness } from '../freshness.ts';
import { fillWithTags } from '../fill.ts';
import { MEASURED_BROKER } from '../messaging/measured-broker.ts';
import { memoryOf } from '../process-stats.ts';
import type { Proof, ProofContext, ProofResult } from '../proof.ts';
import { loadWithSingleTags } from '../single-tags.ts';
import { redisState, startSharedPlatform, type SharedPlatform } from '../shared-platform.ts';
import { generateTags } from '../tags.ts';
import { TimedClient } from '../timed-client.ts';

const SIZES = {
  full: { bodies: 100_000, warmUpSeconds: 8, seconds: 15, fresh: 100, checkedSeconds: 30, first: 100_000, last: 3e6 },
  small: { bodies: 2000, warmUpSeconds: 1, seconds: 1, fresh: 3, checkedSeconds: 1, first: 2000, last: 4000 },
} as const;

const LIMITS = { cpuUs: 95, perSecond: 15_000, p99Ms: 20 };
const CONNECTIONS = 64;

interface Parts {
  readonly platform: SharedPlatform<RedisServer>;
  readonly frontends: readonly RoleProcess[];
  readonly processor: RoleProcess;
  readonly haproxy: Haproxy;
}

/** What a tag costs on Kafka + Redis, by part, and how soon it shows. */
export const proof: Proof = {
  name: 'shared-cost',
  title: 'Kafka + Redis: at least 15,000 tags/s, at most 95 us of CPU per tag over all parts, p99 20 ms at 1,000/s',
  needs: ['kafka', 'redis', 'haproxy'],
  async run(context) {
    const platform = await startSharedPlatform(redisState, MEASURED_BROKER);
    try {
      const ports = [await freePort(), await freePort()] as const;
      const frontends = await Promise.all(ports.map((port) => platform.start('frontend', '--port', String(port))));
      const processor = await platform.start('processor');
      return await measure({ platform, frontends, processor, haproxy: await platform.balance(ports) }, context);
    } finally {
      await platform.stop();
    }
  },
};

async function measure(parts: Parts, context: ProofContext): Promise<ProofResult> {
  const { bodies, fresh, checkedSeconds } = SIZES[context.size];
  const frontend = parts.frontends[0]!;
  const growth = await grow(parts, context);
  const { platform, processor, haproxy } = parts;
  const { warmUpSeconds, seconds } = SIZES[context.size];
  const load = await loadWithSingleTags(
    {
      url: haproxy.url,
      frontend: frontend.url,
      parts: {
        frontends: parts.frontends,
        processor: [processor],
        kafka: [platform.kafka],
        redis: [platform.state],
        haproxy: [haproxy],
      },
      connections: CONNECTIONS,
      bodies,
      warmUpSeconds,
      seconds,
    },
    context,
  );
  const client = new TimedClient(frontend.url);
  const freshness = await measureFreshness(client, fresh).finally(() => client.close());
  context.log(`1,000 tags/s with queries for ${checkedSeconds} s`);
  const shape = ['--url', frontend.url, '--rate', '1000', '--count', String(1000 * checkedSeconds)];
  const checked = await checkedLoad(context.workDirectory, shape, context);
  const memory = await Promise.all([parts.frontends, [processor], [platform.kafka], [platform.state]].map(memoryInAll));
  const { cpuUs } = load;
  const all = cpuUs.frontends + cpuUs.processor + cpuUs.kafka + cpuUs.redis;
  const { p99 } = checked.latencyMs.tags;
  const reached = all <= LIMITS.cpuUs && load.perSecond >= LIMITS.perSecond && p99 <= LIMITS.p99Ms;
  return {
    passed: checked.passed && load.failed === 0 && (context.size === 'small' || reached),
    figures: {
      'tags/s acknowledged (at least 15,000)': Math.round(load.perSecond),
      'tags/s, processed to the last': Math.round(load.processedPerSecond),
      'p50 / p99 of tags in that load, ms': `${rounded(load.p50Ms)} / ${rounded(load.p99Ms)}`,
      'CPU us per tag, all parts (at most 95)': rounded(all),
      'CPU us per tag: frontends': rounded(cpuUs.frontends),
      'CPU us per tag: processor': rounded(cpuUs.processor),
      'CPU us per tag: Kafka': rounded(cpuUs.kafka),
      'CPU us per tag: Redis': rounded(cpuUs.redis),
      'CPU us per tag: HAProxy (not counted)': rounded(cpuUs.haproxy),
      'tags at 1,000/s with queries, p50 / p99 ms (p99 at most 20)': `${rounded(checked.latencyMs.tags.p50)} / ${rounded(p99)}`,
      'profiles meanwhile, p50 / p99 ms': spread(checked.latencyMs.profiles),
      'aggregates meanwhile, p50 / p99 ms': spread(checked.latencyMs.aggregates),
      'from 204 to visible, profile p50 / p99 ms': percentiles(freshness.map(({ profileMs }) => profileMs)),
      'from 204 to visible, aggregate p50 / p99 ms': percentiles(freshness.map(({ aggregateMs }) => aggregateMs)),
      ...growth,
      'resident memory at the end, MB: frontends / processor / Kafka / Redis': memory
        .map((bytes) => Math.round(bytes / 1e6))
        .join(' / '),
      mismatches: checked.mismatches,
    },
    notes: [
      'two frontends behind HAProxy and one processor on the same machine as the load; single requests at 1,000/s go to a frontend',
      ...problemsOf(checked),
    ],
  };
}

/** Batches until there are so many tags in all: what they take in Redis, and whether the rate stays. */
async function grow(parts: Parts, context: ProofContext): Promise<Readonly<Record<string, string>>> {
  const { first, last } = SIZES[context.size];
  const { state: redis } = parts.platform;
  const empty = await redisMemory(redis.port);
  // A tag a millisecond, so that they end now: the newest of an hour at full size.
  const stream = generateTags(Date.now() - last, 2);
  const figures: Record<string, string> = {};
  let sent = 0;
  const urls = parts.frontends.map(({ url }) => url);
  for (const target of [first, last]) {
    const perSecond = await fillWithTags(urls, stream, target - sent, context.signal);
    sent = target;
    const bytes = ((await redisMemory(redis.port)) - empty) / sent;
    const name = `at ${target.toLocaleString('en-US')} tags: bytes per tag in Redis / tags/s in batches`;
    figures[name] = `${Math.round(bytes)} / ${Math.round(perSecond).toLocaleString('en-US')}`;
    context.log(`${name}: ${figures[name]}`);
  }
  return figures;
}

async function redisMemory(port: number): Promise<number> {
  const info = String(await redisCommand({ port }, 'INFO', 'memory'));
  return Number(/^used_memory:(\d+)/m.exec(info)?.[1]);
}

async function memoryInAll(processes: readonly { readonly pid: number }[]): Promise<number> {
  const all = await Promise.all(processes.map(({ pid }) => memoryOf(pid)));
  return all.reduce((sum, { rss }) => sum + rss, 0);
}

const spread = ({ p50, p99 }: { readonly p50: number; readonly p99: number }): string =>
  `${rounded(p50)} / ${rounded(p99)}`;

function percentiles(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (percent: number): number => sorted[Math.ceil((sorted.length * percent) / 100) - 1]!;
  return `${rounded(at(50))} / ${rounded(at(99))}`;
}

const rounded = (value: number): number => Math.round(value * 10) / 10;
