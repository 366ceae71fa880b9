import { CommandError, RESULT } from '../protocol/result-code.ts';
import type { Namespace } from '../storage/namespace.ts';
import type { StoredRecord } from '../storage/record.ts';
import { secondsSince2010 } from '../storage/record.ts';

const TTL_DEFAULT = 0;
const TTL_NEVER = 0xffff_ffff;
const TTL_KEEP = 0xffff_fffe;

/** Ten years, the longest life a record can be given. */
const MAX_TTL_SECONDS = 10 * 365 * 24 * 3600;

/**
 * When a record expires that is written with this TTL, in seconds since 2010; 0 = never.
 *
 * @throws CommandError for a TTL of more than ten years, and for any while nothing removes expired records
 */
export function newVoidTime(namespace: Namespace, ttl: number, existing: StoredRecord | undefined): number {
  const { settings } = namespace;
  if (ttl === TTL_NEVER) return 0;
  if (ttl === TTL_KEEP && existing !== undefined) return existing.voidTime;
  if (ttl === TTL_KEEP || ttl === TTL_DEFAULT) {
    return settings.defaultTtl === 0 ? 0 : secondsSince2010(Date.now()) + settings.defaultTtl;
  }
  if (ttl > MAX_TTL_SECONDS) throw new CommandError(RESULT.parameter, `a TTL of ${ttl} s is more than ten years`);
  if (!settings.acceptsTtl) throw new CommandError(RESULT.forbidden, 'a TTL needs nsup-period to be above 0');
  return secondsSince2010(Date.now()) + ttl;
}

/**
 * Gives the record its whole life anew when no more of it is left than this percentage of its TTL: 1 to 100, anything
 * else leaves it.
 */
export function touchOnRead(record: StoredRecord, percent: number): void {
  if (record.voidTime === 0 || percent < 1 || percent > 100) return;
  const now = Date.now();
  const ttl = record.voidTime - secondsSince2010(record.lastUpdate);
  if ((record.voidTime - secondsSince2010(now)) * 100 > ttl * percent) return;
  record.voidTime = secondsSince2010(now) + ttl;
  record.lastUpdate = now;
}
