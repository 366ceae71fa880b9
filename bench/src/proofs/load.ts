import { join } from 'node:path';
import { startMillrace } from '@millrace/testkit';
import { checkedLoad, problemsOf, type Latencies } from '../checked-load.ts';
import { memoryOf, type MemoryStats } from '../process-stats.ts';
import type { Proof } from '../proof.ts';

/** A million generated tags as fast as they are taken, late and tied ones among them, with mixed queries. */
export const proof: Proof = {
  name: 'load',
  title: '1,000,000 generated tags with mixed queries, 5 % late, 5 % tied: every answer equals that of an oracle',
  async run(context) {
    const count = context.size === 'full' ? 1_000_000 : 5_000;
    const dataDirectory = join(context.workDirectory, 'data');
    const platform = await startMillrace({ dataDirectory });
    try {
      const before = await memoryOf(platform.pid);
      const shape = ['--rate', '0', '--count', String(count), '--late', '5%', '--ties', '5%'];
      const load = await checkedLoad(dataDirectory, shape, context);
      const after = await memoryOf(platform.pid);
      const { tags, checked, mismatches, latencyMs } = load;
      return {
        passed: load.passed && tags.acknowledged === count && checked.profiles > 0 && checked.aggregates > 0,
        figures: {
          'tags acknowledged': tags.acknowledged,
          'acknowledged per second': tags.perSecond,
          'applied after the last one, ms': load.catchUpMs,
          'profiles compared': checked.profiles,
          'aggregates compared': checked.aggregates,
          mismatches,
          'p50 / p99, ms: tags': percentiles(latencyMs.tags),
          'p50 / p99, ms: profiles': percentiles(latencyMs.profiles),
          'p50 / p99, ms: aggregates': percentiles(latencyMs.aggregates),
          'resident memory of up before, MB (anonymous)': megabytes(before),
          'resident memory of up afterwards, MB (anonymous)': megabytes(after),
        },
        notes: problemsOf(load),
      };
    } finally {
      await platform.stop();
    }
  },
};

const percentiles = ({ p50, p99 }: Latencies): string => `${p50.toFixed(2)} / ${p99.toFixed(2)}`;

const megabytes = ({ rss, anonymous }: MemoryStats): string =>
  `${Math.round(rss / 1e6)} (${Math.round(anonymous / 1e6)})`;
