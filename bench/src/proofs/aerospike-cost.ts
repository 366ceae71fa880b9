import type { RoleProcess } from '@millrace/testkit';
import { recordsOfSet, usedSpace } from '../aerospike/database-info.ts';
import { type MeasuredDatabase, startMeasuredDatabase } from '../aerospike/measured-database.ts';
import { publisherContests } from '../aerospike/publisher-contests.ts';
import { serverRates, type ServerRate } from '../aerospike/server-rates.ts';
import { fillWithTags } from '../fill.ts';
import { proveContests } from '../messaging/contest-report.ts';
import { MEASURED_BROKER } from '../messaging/measured-broker.ts';
import { cpuOfParts, costsPerTag, type PartCosts, type Parts } from '../part-costs.ts';
import type { Proof, ProofContext, ProofResult } from '../proof.ts';
import { startSharedPlatform } from '../shared-platform.ts';
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
    const platform = await startSharedPlatform(startMeasuredDatabase, MEASURED_BROKER);
    try {
      const [frontend, processor] = await Promise.all([platform.start('frontend'), platform.start('processor')]);
      const parts = {
        frontend: [frontend],
        processor: [processor],
        kafka: [platform.kafka],
        database: platform.state.processes,
      };
      const grown = await growth(context, platform.state, frontend, parts);
      const single = await singleTags(context, frontend, parts);
      return {
        passed: [client, grown, single].every(({ passed }) => passed),
        figures: { database: platform.state.name, ...client.figures, ...single.figures, ...grown.figures },
        notes: client.notes ?? [],
      };
    } finally {
      await platform.stop();
    }
  },
};

/** The publisher beside bare puts, and the rates of the server through the official client. */
async function clientFigures(context: ProofContext): Promise<ProofResult> {
  const database = await startMeasuredDatabase();
  try {
    const contests = await proveContests((records) => publisherContests(database, records), context);
    const { puts, gets } = await serverRates(database, SIZES[context.size].commands);
    const shown = ({ perSecond, cpuUs }: ServerRate): string => `${grouped(perSecond)} / ${shownUs(cpuUs)}`;
    return {
      ...contests,
      figures: {
        ...contests.figures,
        'the database by itself, puts per second / its CPU us': shown(puts),
        'the database by itself, gets per second / its CPU us': shown(gets),
      },
    };
  } finally {
    await database.stop();
  }
}

/** Batches of a tag a millisecond: what a tag takes at the beginning and at the end, and what it leaves behind. */
async function growth(
  context: ProofContext,
  database: MeasuredDatabase,
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
  const { client, namespace, aggregates } = database;
  const used = await Promise.all([...new Set([namespace, aggregates])].map((each) => usedSpace(client, each)));
  const perTag = (bytes: readonly (number | undefined)[]): string =>
    bytes.includes(undefined)
      ? 'not measured'
      : (bytes.reduce<number>((sum, each) => sum + each!, 0) / last).toFixed(1);
  const minutes = await recordsOfSet(client, aggregates, 'millrace-minutes');
  const ours = ({ cpuUs }: typeof early): number => cpuUs.frontend + cpuUs.processor;
  return {
    passed: context.size === 'small' || ours(early) / ours(late) >= LEAST_SHARE,
    figures: {
      [`in batches, at ${grouped(2 * first)} tags: tags/s`]: Math.round(early.perSecond),
      ...costFigures(`in batches, at ${grouped(2 * first)} tags`, early.cpuUs),
      [`in batches, at ${grouped(last)} tags: tags/s`]: Math.round(late.perSecond),
      ...costFigures(`in batches, at ${grouped(last)} tags`, late.cpuUs),
      'bytes of data per tag, as the database counts them': perTag(used.map(({ dataBytes }) => dataBytes)),
      'bytes of its primary index per tag': perTag(used.map(({ indexBytes }) => indexBytes)),
      'rollup records per minute of 60,000 tags': Math.round(minutes / Math.max(1, last / MINUTE_MS)),
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
      ...costFigures('one tag a request', load.cpuUs),
    },
  };
}

/** The database apart: it is no part of the platform. */
const costFigures = (
  what: string,
  { frontend, processor, kafka, database }: PartCosts<Part>,
): ProofResult['figures'] => ({
  [`${what}: CPU us per tag, frontend / processor / Kafka`]: [frontend, processor, kafka].map(shownUs).join(' / '),
  [`${what}: CPU us per tag of the database`]: shownUs(database),
});

const shownUs = (us: number): string => (Number.isNaN(us) ? 'not measured' : us.toFixed(1));

const grouped = (value: number): string => Math.round(value).toLocaleString('en-US');
