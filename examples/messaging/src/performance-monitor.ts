// Publishes a thousand messages one after the other, and says how long each of them took.
import { openPublisher } from '@millrace/core';

const publisher = await openPublisher('file:performance.jsonl');
const times: number[] = [];
for (let index = 0; index < 1000; index++) {
  const before = performance.now();
  await publisher.publish({ key: `perf_test_${index}`, value: { index, text: 'x'.repeat(200) } });
  times.push(performance.now() - before);
}
await publisher.close();
const sorted = times.toSorted((a, b) => a - b);
const quantile = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
const total = times.reduce((sum, time) => sum + time, 0);
const figures = {
  total,
  mean: total / times.length,
  median: quantile(0.5),
  min: quantile(0),
  max: quantile(1),
  p95: quantile(0.95),
};
for (const [name, milliseconds] of Object.entries(figures)) console.log(`${name}: ${milliseconds.toFixed(2)} ms`);

// Prints:
// total: ... ms
// mean: ... ms
// median: ... ms
// min: ... ms
// max: ... ms
// p95: ... ms
