import { compareIngest, measureBatchIngest } from '../ingest.ts';
import type { Proof } from '../proof.ts';

/** Promised at full size; the small run of the tests only shows that everything is accepted and processed. */
const LIMITS = { rateRatio: 0.45, httpCpuRatio: 1.5, cpuRatio: 2.3, lagMs: 1000, batchPerSecond: 100_000 };

/** Durable ingest in a closed loop of 64 connections against bare node:http, and batches of 1,000. */
export const proof: Proof = {
  name: 'ingest',
  title: 'durable ingest reaches 0.45 of bare node:http, the processor at most 1 s behind; batches 100,000 events/s',
  async run(context) {
    const single = await compareIngest(context);
    const batch = await measureBatchIngest(context);
    const reached =
      single.rateRatio >= LIMITS.rateRatio &&
      single.httpCpuRatio <= LIMITS.httpCpuRatio &&
      single.cpuRatio <= LIMITS.cpuRatio &&
      single.maxLagMs <= LIMITS.lagMs &&
      batch.processedPerSecond >= LIMITS.batchPerSecond;
    const complete = single.failed === 0 && batch.failed === 0 && single.platform.requests > 0;
    return {
      passed: complete && (reached || context.size === 'small'),
      figures: {
        'bare node:http, requests/s': Math.round(single.bare.perSecond),
        'millrace, events/s': Math.round(single.platform.perSecond),
        'ratio of rates (median of pairs, at least 0.45)': round(single.rateRatio),
        'CPU of the HTTP thread, us/event: bare': round(single.bare.httpCpuUs),
        'CPU of the HTTP thread, us/event: millrace': round(single.platform.httpCpuUs),
        'ratio of CPU of the HTTP thread (at most 1.5)': round(single.httpCpuRatio),
        'CPU of the process, us/event: bare': round(single.bare.cpuUs),
        'CPU of the process, us/event: millrace': round(single.platform.cpuUs),
        'ratio of CPU of the process (at most 2.3)': round(single.cpuRatio),
        'p50 / p99, ms: bare': `${round(single.bare.p50Ms)} / ${round(single.bare.p99Ms)}`,
        'p50 / p99, ms: millrace': `${round(single.platform.p50Ms)} / ${round(single.platform.p99Ms)}`,
        'longest lag of the processor, ms (at most 1000)': Math.round(single.maxLagMs),
        'resident memory afterwards, MB (anonymous)': `${megabytes(single.memory.rss)} (${megabytes(single.memory.anonymous)})`,
        'batches of 1,000: acknowledged events/s': Math.round(batch.acknowledgedPerSecond),
        'batches of 1,000: processed events/s (at least 100,000)': Math.round(batch.processedPerSecond),
        'batches of 1,000: CPU of the process, us/event': round(batch.cpuUsPerEvent),
        'failed requests': single.failed + batch.failed,
      },
      notes: [
        `load by ${single.generator === 'wrk' ? 'wrk' : 'the built-in generator (install wrk for comparable figures)'} on the same machine`,
      ],
    };
  },
};

const round = (value: number): number => Math.round(value * 100) / 100;
const megabytes = (bytes: number): number => Math.round(bytes / 1e6);
