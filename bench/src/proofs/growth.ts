import { join } from 'node:path';
import { openStateWriter } from '@millrace/core';
import { TAG_STATE_SCHEMA } from '@millrace/analytics';
import { generateTags, type GeneratedTag } from '../tags.ts';
import type { Proof, ProofContext } from '../proof.ts';

const BATCH = 4_000;
const PARTITION = 0;

/** The state store does not slow down as it fills: rate over the first and the last stretch of ten million events. */
export const proof: Proof = {
  name: 'growth',
  title: 'state store: the rate at 1e7 events is at least 0.8 of the rate at 1e5',
  async run(context) {
    const total = context.size === 'full' ? 10_000_000 : 100_000;
    const stretch = total / 100;
    const rates = await fill(context, total, stretch);
    const first = rates[0]!;
    const last = median(rates.slice(-10));
    const ratio = last / first;
    return {
      // A small run is too short to say anything about growth: it only shows that the proof works.
      passed: context.size === 'small' || ratio >= 0.8,
      figures: {
        events: total,
        'events/s at the first 1 %': Math.round(first),
        'events/s at 10 %': Math.round(median(rates.slice(8, 12))),
        'events/s at the last 10 % (median)': Math.round(last),
        'slowest 1 %, events/s': Math.round(Math.min(...rates)),
        'last / first': Number(ratio.toFixed(2)),
      },
    };
  },
};

/** Commits generated events; events per second of every stretch. */
async function fill(context: ProofContext, total: number, stretch: number): Promise<number[]> {
  const writer = await openStateWriter(`embedded:${join(context.workDirectory, 'data')}`, {
    schema: TAG_STATE_SCHEMA,
    partitions: 1,
  });
  const tags = generateTags(Date.UTC(2026, 0, 1));
  const rates: number[] = [];
  try {
    for (let from = 0; from < total;) {
      const end = from + stretch;
      let committing = 0;
      while (from < end) {
        const to = Math.min(from + BATCH, end);
        const events = Array.from({ length: to - from }, (_, i) => stateEvent(tags.next().value, from + i));
        const startedAt = performance.now();
        await writer.commit([{ partition: PARTITION, from, to, events, deadLetters: [] }]);
        committing += performance.now() - startedAt;
        from = to;
      }
      rates.push((stretch / committing) * 1000);
      if (from % (total / 10) === 0) context.log(`${from} events, ${Math.round(rates.at(-1)!)} events/s`);
    }
  } finally {
    await writer.close();
  }
  return rates;
}

function stateEvent(tag: GeneratedTag, offset: number) {
  return {
    offset,
    key: tag.cookie,
    kind: tag.action === 'VIEW' ? 0 : 1,
    time: tag.time,
    dimensions: [tag.origin, tag.brandId, tag.categoryId, tag.country, tag.device, String(tag.productId)],
    measures: [tag.price],
    appendedAt: tag.time,
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
