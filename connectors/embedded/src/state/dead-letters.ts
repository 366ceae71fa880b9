import type { DeadLetter, DeadLetterQuery } from '@millrace/core';
import { decodeDeadLetter, parseDeadLetterId, placeAfter } from '@millrace/core/state';

import type { Level } from './database.ts';
import { DEAD_LETTERS, deadLetterKey, deadLetterPlace } from './keys.ts';
import { readRange } from '../read-range.ts';

/** The key of a dead letter by its name, undefined for what cannot be one. */
export function deadLetterKeyOf(id: string): Buffer | undefined {
  const place = parseDeadLetterId(id);
  return place && deadLetterKey(place.partition, place.offset);
}

/** By partition, then by offset. @throws INVALID_ARGUMENT */
export async function listDeadLetters(level: Level, { after, limit }: DeadLetterQuery): Promise<DeadLetter[]> {
  const start = placeAfter(after);
  const range =
    start === undefined ? DEAD_LETTERS : { gt: deadLetterKey(start.partition, start.offset), lt: DEAD_LETTERS.lt };
  const found = await readRange(level.iterator({ ...range, limit }));
  return found.map(([key, value]) => decodeDeadLetter(deadLetterPlace(key), value));
}

export function findDeadLetter(level: Level, id: string): DeadLetter | undefined {
  const key = deadLetterKeyOf(id);
  const value = key && level.getSync(key);
  return key && value && decodeDeadLetter(deadLetterPlace(key), value);
}
