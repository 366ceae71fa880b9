import type { BoundedLink } from '../bounded-link.ts';
import type { StateKeys } from './keys.ts';
import { type PartitionStatus, readStatus } from './owned-partition.ts';

export interface CountedStatus extends PartitionStatus {
  readonly late: number;
  readonly duplicates: number;
}

const FIELDS = ['committed', 'time', 'appendedAt', 'clock', 'late', 'duplicates'] as const;

/** Of all partitions. */
export function readStatuses(link: BoundedLink, keys: StateKeys, partitions: number): Promise<CountedStatus[]> {
  return link.run((client) =>
    Promise.all(
      Array.from({ length: partitions }, async (_, partition) => {
        const fields = await client.hmget(keys.status(partition), ...FIELDS);
        const [committed = '', time = '', appendedAt = '', clock = '', late, duplicates] = fields.map(
          (field) => field ?? '',
        );
        return {
          ...readStatus(committed, time, appendedAt, clock),
          late: Number(late),
          duplicates: Number(duplicates),
        };
      }),
    ),
  );
}
