import type { Bounds } from '@millrace/core';
import type { RedisAddress } from '../address.ts';
import type { RedisClient } from '../connection.ts';
import type { Link } from '../link.ts';
import { type LogKeys, rangeOf } from './keys.ts';
import { BOUNDS } from './scripts.ts';

/** An open log, for those who read it. */
export interface LogPlace {
  readonly address: RedisAddress;
  readonly link: Link;
  readonly keys: LogKeys;
  readonly partitions: number;
  /** While it has caught up, a consumer lets records gather for so long, milliseconds. */
  readonly fetchIntervalMs: number;
  /** A consumer that is not heard of for so long loses its partitions, milliseconds. */
  readonly leaseMs: number;
}

export async function boundsOf(client: RedisClient, keys: LogKeys, partition: number): Promise<Bounds> {
  const answer = await BOUNDS.run(client, [keys.log(partition), keys.next(partition)], []);
  const [next, first] = answer as readonly [next: string, first?: string];
  return { earliest: first === undefined ? Number(next) : rangeOf(first).from, next: Number(next) };
}
