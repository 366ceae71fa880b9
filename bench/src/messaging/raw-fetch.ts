import type { Consumer } from '@platformatic/kafka';

/** As our consumers: at most so much in one answer. */
const MAX_BYTES = 4 * 1024 * 1024;
const READ_COMMITTED = 1;
const ANY_EPOCH = -1;

export interface FetchedTopic {
  readonly topic: string;
  readonly partitions: number;
  readonly records: number;
}

/** Reads so many records from the beginning of a topic with the driver's `fetch()` and nothing else. */
export async function drainWithFetch(consumer: Consumer, { topic, partitions, records }: FetchedTopic): Promise<void> {
  const metadata = await consumer.metadata({ topics: [topic] });
  const { id, partitions: places } = metadata.topics.get(topic)!;
  const next = Array.from({ length: partitions }, () => 0n);
  let [count, bytes] = [0, 0];
  while (count < records) {
    const { responses } = await consumer.fetch({
      node: places[0]!.leader,
      maxWaitTime: 500,
      minBytes: 1,
      maxBytes: MAX_BYTES,
      isolationLevel: READ_COMMITTED,
      topics: [
        {
          topicId: id,
          partitions: next.map((fetchOffset, partition) => ({
            partition,
            fetchOffset,
            partitionMaxBytes: MAX_BYTES,
            currentLeaderEpoch: ANY_EPOCH,
            lastFetchedEpoch: ANY_EPOCH,
          })),
        },
      ],
    });
    for (const { partitionIndex, records: batches } of responses.flatMap((response) => response.partitions)) {
      for (const batch of batches ?? []) {
        for (const { value } of batch.records) {
          count++;
          bytes += value?.length ?? 0;
        }
        next[partitionIndex] = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n;
      }
    }
  }
  if (bytes < records) throw new Error(`${count} records have ${bytes} bytes`);
}
