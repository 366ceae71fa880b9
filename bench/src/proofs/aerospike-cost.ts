import { type RoleProcess, startAerospikeDevProcess } from '@millrace/testkit';
import { publisherContests } from '../aerospike/publisher-contests.ts';
import { serverRates, type ServerRate } from '../aerospike/server-rates.ts';
import { usedSpace } from '../aerospike/used-space.ts';
import { fillWithTags } from '../fill.ts';
import { proveContests } from '../messaging/contest-report.ts';
import { MEASURED_BROKER } from '../messaging/measured-broker.ts';
import { cpuOfParts, costsPerTag, type PartCosts, type Parts } from '../part-costs.ts';
import type { Proof, ProofContext, ProofResult } from '../proof.ts';
import { aerospikeState, type SharedPlatform, startSharedPlatform } from '../shared-platform.ts';
import { loadWithSingleTags } from '../single-tags.ts';
import { generateTags } from '../tags.ts';

const SIZES = {
  full: { commands: 200_000, first: 100_000, last: 3_000_000, bodies: 100_000, warmUpSeconds: 8, seconds: 15 },
  small: { commands: 2000, first: 2000, last: 6000, bodies: 2000, warmUpSeconds: 1, seconds: 1 },
} as const;

/** A fifth of what the original platform took on Kafka and Aerospike: 624 us. */
const MOST_CPU_US = 125;
const LEAST_SHARE = 0.8;
const CONNECTIONS = 64;
const MINUTE_MS = 60_000;

type Part = 'frontend' | 'processor' | 'kafka' | 'database';

/** What Aerospike costs in one run: its publisher, the analytics on Kafka and Aerospike, and the server by itself. */
export const proof: Proof = {
  name: 'aerospike-cost',
  title:
    'Kafka + Aerospike: frontend and processor at most 125 us of CPU per tag, the same at 3e6; publisher 0.9 of bare puts',
  needs: ['kafka'],
  async run(context) {
    const client = await clientFigures(context);
    const platform = await startSharedPlatform(aerospikeState, MEASURED_BROKER);
    try {
      const [frontend, processor] = await Promise.all([platform.start('frontend'), platform.start('processor')]);
      const parts = {
        frontend: [frontend],
        processor: [processor],
        kafka: [platform.kafka],
        database: [platform.state],
      };
      const grown = await growth(context, platform, frontend, parts);
      const single = await singleTags(context, frontend, parts);
      return {
        passed: [client, grown, single].every(({ passed }) => passed),
        figures: { ...client.figures, ...single.figures, ...grown.figures },
        notes: [
          'the database is aerospike-dev, in a process of its own on the same two cores: its CPU stands apart, and is not what a real server takes',
          ...(client.notes ?? []),
        ],
      };
    } finally {
      await platform.stop();
    }
  },
};

/** The publisher beside bare puts, and the rates of the server through the official client. */
async function clientFigures(context: ProofContext): Promise<ProofResult> {
  const server = await startAerospikeDevProcess({ namespaces: ['test'] });
  try {
    const contests = await proveContests((records) => publisherContests(server.hosts, records), context);
    const { puts, gets } = await serverRates(server, SIZES[context.size].commands);
    const shown = ({ perSecond, cpuUs }: ServerRate): string => `${grouped(perSecond)} / ${cpuUs.toFixed(1)}`;
    return {
      ...contests,
      figures: {
        ...contests.figures,
        'aerospike-dev, puts per second / its CPU us': shown(puts),
        'aerospike-dev, gets per second / its CPU us': shown(gets),
      },
    };
  } finally {
    await server.stop();
  }
}

/** Batches of a tag a millisecond: what a tag takes at the beginning and at the end, and what it leaves behind. */
async function growth(
  context: ProofContext,
  platform: SharedPlatform<{ readonly hosts: string } & SharedPlatform['state']>,
  frontend: RoleProcess,
  parts: Parts<Part>,
): Promise<ProofResult> {
  const { first, last } = SIZES[context.size];
  const stream = generateTags(Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS - last, 7);
  const send = async (count: number): Promise<{ perSecond: number; cpuUs: PartCosts<Part> }> => {
    const before = await cpuOfParts(parts);
    const perSecond = await fillWithTags([frontend.url, frontend.url], stream, count, context.signal);
    return { perSecond, cpuUs: costsPerTag(before, await cpuOfParts(parts), count) };
  };
  // The compilers are done then.
  await send(first);
  const early = await send(first);
  context.log(`at ${grouped(2 * first)} tags: ${grouped(early.perSecond)} tags/s`);
  await send(last - 3 * first);
  const late = await send(first);
  const { hosts } = platform.state;
  const sets = [...(await usedSpace(hosts, 'profiles')), ...(await usedSpace(hosts, 'aggregates'))];
  const bytes = sets.reduce((sum, [, used]) => sum + used.bytes, 0);
  const minutes = sets.find(([set]) => set === 'millrace-minutes')![1];
  const ours = ({ cpuUs }: typeof early): number => cpuUs.frontend + cpuUs.processor;
  return {
    passed: context.size === 'small' || ours(early) / ours(late) >= LEAST_SHARE,
    figures: {
      [`in batches, at ${grouped(2 * first)} tags: tags/s`]: Math.round(early.perSecond),
      [`in batches, at ${grouped(2 * first)} tags: CPU us per tag, ${PARTS}`]: shownCosts(early.cpuUs),
      [`in batches, at ${grouped(last)} tags: tags/s`]: Math.round(late.perSecond),
      [`in batches, at ${grouped(last)} tags: CPU us per tag, ${PARTS}`]: shownCosts(late.cpuUs),
      'bytes per tag, as the database counts them': Math.round(bytes / last),
      'rollup records per minute of 60,000 tags': Math.round(minutes.records / Math.max(1, last / MINUTE_MS)),
    },
  };
}

/** Tags one by one on 64 connections, as the original took them. */
async function singleTags(context: ProofContext, frontend: RoleProcess, parts: Parts<Part>): Promise<ProofResult> {
  const { url } = frontend;
  const options = { url, frontend: url, parts, connections: CONNECTIONS, ...SIZES[context.size] };
  const load = await loadWithSingleTags(options, context);
  const ours = load.cpuUs.frontend + load.cpuUs.processor;
  return {
    passed: load.failed === 0 && (context.size === 'small' || ours <= MOST_CPU_US),
    figures: {
      'one tag a request, 64 connections: tags/s acknowledged': Math.round(load.perSecond),
      'one tag a request: tags/s, processed to the last': Math.round(load.processedPerSecond),
      [`one tag a request: CPU us of frontend and processor (at most ${MOST_CPU_US})`]: Number(ours.toFixed(1)),
      [`one tag a request: CPU us per tag, ${PARTS}`]: shownCosts(load.cpuUs),
    },
  };
}

const PARTS = 'frontend / processor / Kafka / aerospike-dev';

const shownCosts = ({ frontend, processor, kafka, database }: PartCosts<Part>): string =>
  [frontend, processor, kafka, database].map((us) => us.toFixed(1)).join(' / ');

const grouped = (value: number): string => Math.round(value).toLocaleString('en-US');
