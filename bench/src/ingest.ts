import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { type LoadGenerator, loadGenerator, type LoadOptions, runLoad } from './http-load.ts';
import { type MeasuredServer, startBareServer, startPlatform } from './measured-server.ts';
import { mainThreadCpuUs, memoryOf, type MemoryStats, readProcessStats } from './process-stats.ts';
import type { ProofContext } from './proof.ts';
import { generateTags, tagJson } from './tags.ts';

type Context = Pick<ProofContext, 'size' | 'workDirectory' | 'signal' | 'log'>;

const SIZES = {
  full: { rounds: 5, seconds: 6, warmUpSeconds: 3, tags: 100_000 },
  small: { rounds: 1, seconds: 1, warmUpSeconds: 1, tags: 5_000 },
} as const;

const CONNECTIONS = 64;
const LAG_SAMPLE_MS = 250;

/** One load on one server. CPU is that of the server only, until it has caught up. */
export interface IngestFigures {
  readonly perSecond: number;
  /** CPU microseconds per request: the thread that answers HTTP, and the whole process. */
  readonly httpCpuUs: number;
  readonly cpuUs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Longest lag seen while the load ran. */
  readonly maxLagMs: number;
  /** Seconds from the first request until everything was processed. */
  readonly settledSeconds: number;
  readonly requests: number;
  readonly failed: number;
}

export interface IngestComparison {
  readonly generator: LoadGenerator;
  /** Medians over the rounds. */
  readonly bare: IngestFigures;
  readonly platform: IngestFigures;
  /** Platform to bare, each of one round; medians over the rounds. */
  readonly rateRatio: number;
  readonly httpCpuRatio: number;
  readonly cpuRatio: number;
  /** Over all rounds. */
  readonly maxLagMs: number;
  readonly failed: number;
  /** Of the platform's process, after the last round. */
  readonly memory: MemoryStats;
}

/** Durable tags, one a request, against bare node:http: in turn, so that a noisy machine is noisy for both. */
export async function compareIngest(context: Context): Promise<IngestComparison> {
  const { rounds, tags } = SIZES[context.size];
  const generator = loadGenerator();
  const bodies = await writeBodies(context, tags, 1);
  const load = { bodies, contentType: 'application/json', connections: CONNECTIONS };
  const bare = await startBareServer();
  try {
    const platform = await startPlatform(context.workDirectory);
    try {
      const pairs: { bare: IngestFigures; platform: IngestFigures }[] = [];
      for (let round = 1; round <= rounds; round++) {
        const pair = {
          bare: await measure(context, generator, bare, { ...load, url: new URL('/user_tags', bare.url).href }),
          platform: await measure(context, generator, platform, {
            ...load,
            url: new URL('/user_tags', platform.url).href,
          }),
        };
        context.log(`round ${round}: bare ${describe(pair.bare)}; millrace ${describe(pair.platform)}`);
        pairs.push(pair);
      }
      const ratio = (of: (figures: IngestFigures) => number): number =>
        median(pairs.map((pair) => of(pair.platform) / of(pair.bare)));
      return {
        generator,
        bare: medians(pairs.map((pair) => pair.bare)),
        platform: medians(pairs.map((pair) => pair.platform)),
        rateRatio: ratio((figures) => figures.perSecond),
        httpCpuRatio: ratio((figures) => figures.httpCpuUs),
        cpuRatio: ratio((figures) => figures.cpuUs),
        maxLagMs: Math.max(...pairs.map((pair) => pair.platform.maxLagMs)),
        failed: pairs.reduce((sum, pair) => sum + pair.bare.failed + pair.platform.failed, 0),
        memory: await memoryOf(platform.pid),
      };
    } finally {
      await platform.stop();
    }
  } finally {
    await bare.stop();
  }
}

export interface BatchIngest {
  readonly generator: LoadGenerator;
  readonly acknowledgedPerSecond: number;
  /** Until the processor had applied everything, too. */
  readonly processedPerSecond: number;
  readonly cpuUsPerEvent: number;
  readonly failed: number;
}

/** Durable tags, 1,000 a request. */
export async function measureBatchIngest(context: Context): Promise<BatchIngest> {
  const perBatch = 1000;
  const generator = loadGenerator();
  const bodies = await writeBodies(context, SIZES[context.size].tags, perBatch);
  const platform = await startPlatform(join(context.workDirectory, 'batch'));
  try {
    const figures = await measure(context, generator, platform, {
      url: new URL('/user_tags/batch', platform.url).href,
      bodies,
      contentType: 'application/x-ndjson',
      connections: 4,
    });
    return {
      generator,
      acknowledgedPerSecond: figures.perSecond * perBatch,
      processedPerSecond: (figures.requests * perBatch) / figures.settledSeconds,
      cpuUsPerEvent: figures.cpuUs / perBatch,
      failed: figures.failed,
    };
  } finally {
    await platform.stop();
  }
}

async function measure(
  context: Context,
  generator: LoadGenerator,
  server: MeasuredServer,
  load: Omit<LoadOptions, 'seconds'>,
): Promise<IngestFigures> {
  const { seconds, warmUpSeconds } = SIZES[context.size];
  context.signal.throwIfAborted();
  await runLoad(generator, { ...load, seconds: warmUpSeconds });
  await server.settled(context.signal);
  const before = await readProcessStats(server.pid);
  const startedAt = performance.now();
  const sampling = new AbortController();
  const maxLag = maximumLag(server, sampling.signal);
  const result = await runLoad(generator, { ...load, seconds }).finally(() => sampling.abort());
  await server.settled(context.signal);
  const settledSeconds = (performance.now() - startedAt) / 1000;
  const after = await readProcessStats(server.pid);
  const { requests } = result;
  return {
    perSecond: requests / result.seconds,
    httpCpuUs: (mainThreadCpuUs(server.pid, after) - mainThreadCpuUs(server.pid, before)) / requests,
    cpuUs: (after.cpuUs - before.cpuUs) / requests,
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
    maxLagMs: await maxLag,
    settledSeconds,
    requests,
    failed: result.failed,
  };
}

async function maximumLag(server: MeasuredServer, signal: AbortSignal): Promise<number> {
  let max = 0;
  while (!signal.aborted) {
    max = Math.max(max, await server.lagMs());
    await sleep(LAG_SAMPLE_MS);
  }
  return max;
}

/** One body a line; the lines of a batch are joined by tabs, see load.lua. */
async function writeBodies(context: Context, tags: number, perBody: number): Promise<string> {
  const stream = generateTags(Date.now() - tags);
  const lines: string[] = [];
  for (let i = 0; i < tags / perBody; i++) {
    lines.push(Array.from({ length: perBody }, () => tagJson(stream.next().value)).join('\t'));
  }
  const path = join(context.workDirectory, `bodies-${perBody}.txt`);
  await writeFile(path, `${lines.join('\n')}\n`);
  return path;
}

function medians(rounds: readonly IngestFigures[]): IngestFigures {
  const names = Object.keys(rounds[0]!) as (keyof IngestFigures)[];
  return Object.fromEntries(
    names.map((name) => [name, median(rounds.map((round) => round[name]))]),
  ) as unknown as IngestFigures;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

function describe({ perSecond, httpCpuUs, cpuUs, p99Ms }: IngestFigures): string {
  return `${Math.round(perSecond)}/s, CPU ${httpCpuUs.toFixed(1)}/${cpuUs.toFixed(1)} us, p99 ${p99Ms.toFixed(1)} ms`;
}
