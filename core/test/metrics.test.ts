import { expect, it } from 'vitest';
import { Counter, createMetrics, Histogram, LATENCY_BUCKETS } from '@millrace/core';

it('collects figures of the process unless told otherwise', async () => {
  expect(await createMetrics().metrics()).toContain('process_resident_memory_bytes');
  expect(await createMetrics({ process: false }).metrics()).toBe('\n');
});

it('keeps registries apart', async () => {
  const [first, second] = [createMetrics({ process: false }), createMetrics({ process: false })];
  const [tags] = [first, second].map(
    (registry) => new Counter({ name: 'millrace_tags_total', help: 'Tags', registers: [registry] }),
  );
  tags?.inc(3);
  expect(await first.metrics()).toContain('millrace_tags_total 3');
  expect(await second.metrics()).toContain('millrace_tags_total 0');
});

it('offers buckets in rising order that a histogram accepts', async () => {
  expect([...LATENCY_BUCKETS].toSorted((a, b) => a - b)).toEqual(LATENCY_BUCKETS);
  const metrics = createMetrics({ process: false });
  const latency = new Histogram({ name: 's', help: 's', buckets: [...LATENCY_BUCKETS], registers: [metrics] });
  latency.observe(0.012);
  expect(await metrics.metrics()).toContain('s_bucket{le="0.015"} 1');
});
