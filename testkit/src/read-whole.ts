import type { Batch, ConsumeOptions, Damage, LogReader, Offset } from '@millrace/core';

/** A record with its partition, copied so that it outlives the batch. */
export interface SeenRecord {
  readonly partition: number;
  readonly offset: Offset;
  readonly timestamp: number;
  readonly key: string | undefined;
  readonly value: Buffer;
}

export interface WholeLog {
  /** In the order they were handed out: ascending offsets within a partition. */
  readonly records: readonly SeenRecord[];
  readonly damage: readonly Damage[];
  /** Every call of `handle`, without the records' bytes. */
  readonly calls: readonly (readonly Batch[])[];
}

export const copyRecords = (batch: Batch): SeenRecord[] =>
  batch.records.map(({ offset, timestamp, key, value }) => ({
    partition: batch.partition,
    offset,
    timestamp,
    key,
    value: Buffer.from(value),
  }));

/** Consumes everything that is durable now, in a group of its own. */
export async function readWhole(
  log: LogReader,
  options: Partial<Pick<ConsumeOptions, 'start' | 'maxBytes'>> & { readonly group?: string } = {},
): Promise<WholeLog> {
  const records: SeenRecord[] = [];
  const damage: Damage[] = [];
  const calls: (readonly Batch[])[] = [];
  const { group = 'read-whole', start = () => Promise.resolve('earliest' as const), ...rest } = options;
  const ends = await Promise.all(
    Array.from({ length: log.partitions }, async (_, partition) => (await log.bounds(partition)).next),
  );
  const at: number[] = [];
  for (const [partition, end] of ends.entries()) {
    const from = await start(partition);
    if (from === 'earliest') at[partition] = (await log.bounds(partition)).earliest;
    else at[partition] = from === 'latest' ? end : from;
  }
  const read = new Set<number>();
  const done = (): boolean => ends.every((end, partition) => at[partition]! >= end);
  const stop = new AbortController();
  if (done()) return { records, damage, calls };
  await log.consume(group, {
    ...rest,
    // A group may give a partition back in the middle, and then has to be told where it was.
    start: async (partition) => (read.has(partition) ? at[partition]! : start(partition)),
    signal: stop.signal,
    handle: async (batches) => {
      calls.push(batches);
      for (const batch of batches) {
        records.push(...copyRecords(batch));
        damage.push(...(batch.damage ?? []));
        at[batch.partition] = batch.to;
        read.add(batch.partition);
      }
      if (done()) stop.abort();
    },
  });
  return { records, damage, calls };
}
