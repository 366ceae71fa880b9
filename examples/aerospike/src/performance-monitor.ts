import { openPublisher } from '@millrace/core';

import { type Example, runIfMain, scaled } from './example.ts';

/** How long a publish takes, one after the other. */
export const performanceMonitor: Example = async ({ urlOf, scale, print }) => {
  const count = scaled(1000, scale);
  const publisher = await openPublisher(urlOf('test', 'performance'), { name: 'perf_test' });
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const startedAt = performance.now();
    await publisher.publish({ value: { __dagserver_key: `perf_test_${i}`, value: i, timestamp: Date.now() } });
    times.push(performance.now() - startedAt);
  }
  await publisher.close();
  const sorted = times.toSorted((a, b) => a - b);
  const mean = sorted.reduce((sum, time) => sum + time, 0) / count;
  print(`Total: ${count}`);
  for (const [name, time] of [
    ['Mean', mean],
    ['Median', (sorted[(count - 1) >> 1]! + sorted[count >> 1]!) / 2],
    ['Min', sorted[0]!],
    ['Max', sorted.at(-1)!],
    ['P95', cutPoint(sorted, 19, 20)],
  ] as const) {
    print(`${name}: ${time.toFixed(2)} ms`);
  }
};

/** The cut point `k` of those that divide sorted values into `parts`, between two values where it falls between them. */
function cutPoint(sorted: readonly number[], k: number, parts: number): number {
  const place = (k * (sorted.length + 1)) / parts;
  const below = Math.min(Math.max(Math.floor(place), 1), Math.max(sorted.length - 1, 1));
  const low = sorted[below - 1]!;
  return low + ((sorted[below] ?? low) - low) * (place - below);
}

await runIfMain(import.meta.main, performanceMonitor);
