import { MillraceError, utcTime } from '@millrace/core';

import type { FetchClient } from './fetch-client.ts';

/** Where to begin in a partition. */
export type StartPlace =
  /** An offset that must be there. */
  | number
  | 'earliest'
  | 'latest'
  /** The offset, or the end of the partition that is nearest to it. */
  | { readonly near: number }
  /** So many offsets before the end. */
  | { readonly last: number }
  /** The first record that is not older, milliseconds since the epoch. */
  | { readonly since: number };

const ACCEPTED =
  'earliest (or start), latest (or end), an offset, -N for the last N of each partition, or a UTC time such as 2026-03-22T12:15:00Z';
const WORDS: Readonly<Record<string, StartPlace>> = {
  earliest: 'earliest',
  start: 'earliest',
  latest: 'latest',
  end: 'latest',
};

/** @throws INVALID_OPTION */
export function parseStartPlace(text: string): StartPlace {
  const number = /^-?\d+$/.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(number)) return text.startsWith('-') ? { last: -number } : { near: number };
  const since = utcTime(text);
  if (since !== undefined) return { since };
  if (Object.hasOwn(WORDS, text)) return WORDS[text]!;
  throw new MillraceError('INVALID_OPTION', `from: ${JSON.stringify(text)} is not a place to begin: give ${ACCEPTED}`, {
    field: 'from',
    value: text,
    accepted: ACCEPTED,
  });
}

/** The offsets of these places, by partition. */
export async function offsetsAt(
  client: FetchClient,
  places: ReadonlyMap<number, StartPlace>,
): Promise<Map<number, number>> {
  const asked = [...places].filter(([, place]) => typeof place !== 'number').map(([partition]) => partition);
  const [earliest, latest, since] = await Promise.all([
    client.earliest(asked),
    client.latest(asked),
    sinceOffsets(client, places),
  ]);
  const offsetOf = (partition: number, place: StartPlace): number => {
    if (typeof place === 'number') return place;
    const [first, next] = [earliest.get(partition)!, latest.get(partition)!];
    if (place === 'earliest') return first;
    if (place === 'latest') return next;
    if ('last' in place) return Math.max(first, next - place.last);
    if ('near' in place) return Math.min(Math.max(first, place.near), next);
    return since.get(partition) ?? next;
  };
  return new Map(Array.from(places, ([partition, place]) => [partition, offsetOf(partition, place)]));
}

/** Of those places that are times; without the partitions that have nothing so new. */
async function sinceOffsets(
  client: FetchClient,
  places: ReadonlyMap<number, StartPlace>,
): Promise<ReadonlyMap<number, number>> {
  const times = [...places].flatMap(([partition, place]) =>
    typeof place === 'object' && 'since' in place ? [{ partition, time: place.since }] : [],
  );
  const byTime = Map.groupBy(times, ({ time }) => time);
  const found = await Promise.all(
    Array.from(byTime, ([time, those]) =>
      client.since(
        those.map(({ partition }) => partition),
        time,
      ),
    ),
  );
  return new Map(found.flatMap((offsets) => [...offsets]));
}
