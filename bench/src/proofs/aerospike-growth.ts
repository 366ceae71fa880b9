import { join } from 'node:path';
import { startAerospikeDev } from '@millrace/aerospike-dev';
import { caughtUp, queryOf, startMillrace } from '@millrace/testkit';
import { childrenOf } from '../child-processes.ts';
import { postLines } from '../post-lines.ts';
import { readProcessStats } from '../process-stats.ts';
import type { Proof, ProofContext, ProofResult } from '../proof.ts';
import { generateTags, tagLines } from '../tags.ts';

const SIZES = { full: { first: 100_000, last: 3_000_000 }, small: { first: 2000, last: 6000 } } as const;
const BATCH = 1000;
const LEAST_SHARE = 0.8;
const MINUTE_MS = 60_000;

/** The analytics on Aerospike: its rate at the beginning and at the end, and what a tag costs the platform. */
export const proof: Proof = {
  name: 'aerospike-growth',
  title:
    'State on Aerospike: the CPU of frontend and processor per tag stays from 1e5 to 3e6 tags, and is below 125 us',
  async run(context) {
    const server = await startAerospikeDev({ port: 0, namespaces: ['profiles', 'aggregates'] });
    try {
      return await measure(context, server.hosts);
    } finally {
      await server.stop();
    }
  },
};

async function measure(context: ProofContext, hosts: string): Promise<ProofResult> {
  const { first, last } = SIZES[context.size];
  const state = `aerospike://${hosts}/profiles?aggregates_namespace=aggregates`;
  const platform = await startMillrace({
    dataDirectory: join(context.workDirectory, 'data'),
    arguments: ['--state', state],
  });
  try {
    const [processor] = await childrenOf(platform.pid);
    const startTime = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS - last;
    const stream = generateTags(startTime, 7);
    /** Sends so many, and tells what each of them took. */
    const send = async (count: number) => {
      const before = await Promise.all([cpuUs(platform.pid), cpuUs(processor!)]);
      const startedAt = performance.now();
      let left = count;
      const connection = async (): Promise<void> => {
        while (left > 0 && !context.signal.aborted) {
          left -= BATCH;
          await postLines(platform.url, tagLines(stream, BATCH), BATCH);
        }
      };
      await Promise.all([connection(), connection()]);
      await caughtUp(platform.url, context.signal);
      const perSecond = (count * 1000) / (performance.now() - startedAt);
      const after = await Promise.all([cpuUs(platform.pid), cpuUs(processor!)]);
      const [frontend, processing] = after.map((us, at) => (us - before[at]!) / count) as [number, number];
      return { perSecond, frontend, processing };
    };
    // The compilers are done then.
    await send(first);
    const early = await send(first);
    context.log(`at ${2 * first} tags: ${Math.round(early.perSecond)} tags/s`);
    await send(last - 3 * first);
    const late = await send(first);
    const query = queryOf(platform.url);
    const cold = await timeOfAggregate(query, startTime + last);
    const warm = await timeOfAggregate(query, startTime + last);
    const cost = ({ frontend, processing }: typeof early): number => frontend + processing;
    const reached = cost(early) / cost(late) >= LEAST_SHARE && cost(late) <= 125;
    return {
      passed: context.size === 'small' || reached,
      figures: {
        'tags/s applied, at the beginning': Math.round(early.perSecond),
        [`tags/s applied, at ${last.toLocaleString('en-US')}`]: Math.round(late.perSecond),
        'CPU us per tag at the beginning: frontend and log / processor': `${early.frontend.toFixed(1)} / ${early.processing.toFixed(1)}`,
        'CPU us per tag at the end: frontend and log / processor': `${late.frontend.toFixed(1)} / ${late.processing.toFixed(1)}`,
        'aggregate over ten minutes, first / second time, ms': `${cold.toFixed(1)} / ${warm.toFixed(1)}`,
      },
      notes: [
        'the database is aerospike-dev in the process of the proof; its CPU is not counted, but it shares the cores',
      ],
    };
  } finally {
    await platform.stop();
  }
}

async function timeOfAggregate(query: ReturnType<typeof queryOf>, end: number): Promise<number> {
  const range = `${timeText(end - 10 * MINUTE_MS)}_${timeText(end)}`;
  const startedAt = performance.now();
  await query(`/aggregates?time_range=${range}&action=BUY&brand_id=brand-1&aggregates=COUNT&aggregates=SUM_PRICE`);
  return performance.now() - startedAt;
}

const timeText = (time: number): string => new Date(time).toISOString().slice(0, 19);

const cpuUs = async (pid: number): Promise<number> => (await readProcessStats(pid)).cpuUs;
