import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { caughtUp, startMillrace } from '@millrace/testkit';
import { type MeasuredDatabase, startMeasuredDatabase } from '../aerospike/measured-database.ts';
import { inspectRecords, type RecordInspector } from '../aerospike/record-inspector.ts';
import { fillWithTags } from '../fill.ts';
import { postLines } from '../post-lines.ts';
import { costsPerTag, cpuOfParts } from '../part-costs.ts';
import { childrenOf } from '../child-processes.ts';
import type { Proof, ProofContext, ProofResult } from '../proof.ts';
import { generateTags, tagJson } from '../tags.ts';

const LIMITS = { recordBytes: 256 * 1024, writesPerSecond: 100 };
const TAGS_PER_SECOND = 1000;
/** Half of the tags are of one cookie. */
const HOT_COOKIE = 'hot';
const STEP_MS = 10;

const setsOf = ({ namespace, aggregates }: MeasuredDatabase) => [
  { namespace, set: 'millrace' },
  { namespace, set: 'millrace-timelines' },
  { namespace: aggregates, set: 'millrace-minutes' },
];

/** Records of a state on Aerospike at 1,000 tags/s, half of them of one cookie, and then as fast as it goes. */
export const proof: Proof = {
  name: 'aerospike-records',
  title: 'State on Aerospike: no record above 256 KiB, no key with more than 100 writes/s at 1,000 tags/s',
  async run(context) {
    const database = await startMeasuredDatabase();
    const inspector = await inspectRecords(database.hosts);
    try {
      return await measure(context, database, inspector);
    } finally {
      inspector.close();
      await database.stop();
    }
  },
};

async function measure(
  context: ProofContext,
  database: MeasuredDatabase,
  inspector: RecordInspector,
): Promise<ProofResult> {
  const full = context.size === 'full';
  const seconds = full ? 60 : 4;
  const sets = setsOf(database);
  const platform = await startMillrace({
    dataDirectory: join(context.workDirectory, 'data'),
    arguments: ['--state', database.url],
  });
  try {
    const sending = sendPaced(platform.url, seconds, context.signal).then(async (sent) => {
      await caughtUp(platform.url, context.signal);
      return sent;
    });
    const [paced, busiest] = await Promise.all([sending, busiestKey(inspector, sets, sending, context.signal)]);
    const minutes = await inspector.sizes(database.aggregates, 'millrace-minutes');
    const perMinute = minutes.length / (seconds / 60 + 1);
    context.log(`${paced} tags at ${TAGS_PER_SECOND} a second; now as fast as it goes`);
    const bulk = full ? 600_000 : 4000;
    const parts = {
      frontend: [platform],
      processor: (await childrenOf(platform.pid)).map((pid) => ({ pid })),
    };
    const before = await cpuOfParts(parts);
    // As many minutes as there would be at the even rate.
    const stream = generateTags(Date.now() - bulk, 6);
    const bulkPerSecond = await fillWithTags([platform.url, platform.url], stream, bulk, context.signal);
    const { frontend, processor } = costsPerTag(before, await cpuOfParts(parts), bulk);
    const sizes = await Promise.all(sets.map(({ namespace, set }) => inspector.sizes(namespace, set)));
    const largest = sizes.map((each) => each.reduce((most, size) => Math.max(most, size), 0));
    const bytes = sizes.flat().reduce((sum, size) => sum + size, 0);
    const passed = Math.max(...largest) <= LIMITS.recordBytes && busiest <= LIMITS.writesPerSecond && busiest > 0;
    return {
      passed,
      figures: {
        database: database.name,
        'tags at 1,000 a second, half of them of one cookie': paced,
        'most writes to one key in a second (at most 100)': busiest,
        'rollup records per minute at that rate': Math.round(perMinute),
        'tags in batches, as fast as it goes': bulk,
        'tags/s in batches, applied to the last': Math.round(bulkPerSecond),
        'CPU us per tag in batches: frontend and log / processor': `${frontend.toFixed(1)} / ${processor.toFixed(1)}`,
        'largest record, bytes: status and dictionaries (at most 262,144)': largest[0]!,
        'largest record, bytes: timelines': largest[1]!,
        'largest record, bytes: rollups': largest[2]!,
        'records in all': sizes.flat().length,
        'bytes of bins per tag': Math.round(bytes / (paced + bulk)),
      },
    };
  } finally {
    await platform.stop();
  }
}

/** Tags at an even rate, as batches of a few, and how many there were. */
async function sendPaced(url: string, seconds: number, signal: AbortSignal): Promise<number> {
  const stream = generateTags(Date.now(), 5);
  const startedAt = performance.now();
  let sent = 0;
  while (sent < seconds * TAGS_PER_SECOND && !signal.aborted) {
    const due = Math.floor(((performance.now() - startedAt) / 1000) * TAGS_PER_SECOND);
    const lines = Array.from({ length: Math.max(0, due - sent) }, (_, at) => {
      const tag = { ...stream.next().value, time: Date.now() };
      return tagJson(at % 2 === 0 ? { ...tag, cookie: HOT_COOKIE } : tag);
    });
    sent += lines.length;
    if (lines.length > 0) await postLines(url, lines.join('\n'), lines.length);
    await sleep(STEP_MS);
  }
  return sent;
}

/** The most writes that any record saw from one look at all records to the next, per second; the last look is after `work`. */
async function busiestKey(
  inspector: RecordInspector,
  sets: ReturnType<typeof setsOf>,
  work: Promise<unknown>,
  signal: AbortSignal,
): Promise<number> {
  let busiest = 0;
  let before = new Map<string, number>();
  let lookedFrom = performance.now();
  const isDone = work.then(() => true);
  for (let isLast = false; !isLast && !signal.aborted;) {
    isLast = await Promise.race([isDone, sleep(1000, false)]);
    const from = performance.now();
    const now = new Map<string, number>();
    for (const { namespace, set } of sets) {
      for (const [digest, { generation }] of await inspector.versions(namespace, set)) now.set(digest, generation);
    }
    // From the beginning of one look to the end of the next: a slow look would make few writes many.
    const passed = (performance.now() - lookedFrom) / 1000;
    for (const [digest, generation] of now) {
      busiest = Math.max(busiest, (generation - (before.get(digest) ?? 0)) / passed);
    }
    before = now;
    lookedFrom = from;
  }
  return Math.round(busiest);
}
