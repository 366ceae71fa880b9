import { type DeadLetter, type DeadLetterQuery, MillraceError, type NewDeadLetter } from '@millrace/core';

import { ByteReader, ByteWriter } from './bytes.ts';
import type { Level } from './database.ts';
import { DEAD_LETTERS, deadLetterKey, deadLetterPlace } from './keys.ts';

const VERSION = 1;

export function encodeDeadLetter(letter: NewDeadLetter): Buffer {
  const writer = new ByteWriter(256).byte(VERSION).varint(letter.appendedAt).text(letter.code).text(letter.reason);
  if (letter.key === undefined) writer.byte(0);
  else writer.byte(1).text(letter.key);
  return Buffer.concat([writer.view(), letter.value]);
}

/** @throws STATE_CORRUPT */
function decodeDeadLetter(key: Buffer, value: Buffer): DeadLetter {
  const { partition, offset } = deadLetterPlace(key);
  const reader = new ByteReader(value);
  if (reader.byte() !== VERSION) throw new MillraceError('STATE_CORRUPT', 'a dead letter has an unknown version');
  return {
    id: `${partition}-${offset}`,
    partition,
    offset,
    appendedAt: reader.varint(),
    code: reader.text(),
    reason: reader.text(),
    key: reader.byte() === 0 ? undefined : reader.text(),
    value: Uint8Array.from(reader.rest()),
  };
}

/** The key of a dead letter by its name, undefined for what cannot be one. */
export function deadLetterKeyOf(id: string): Buffer | undefined {
  const [, partition, offset] = /^(\d{1,5})-(\d{1,16})$/.exec(id) ?? [];
  const place = { partition: Number(partition), offset: Number(offset) };
  if (!Number.isSafeInteger(place.offset) || !(place.partition <= 0xffff)) return undefined;
  return deadLetterKey(place.partition, place.offset);
}

/** By partition, then by offset. @throws INVALID_ARGUMENT */
export async function listDeadLetters(level: Level, { after, limit }: DeadLetterQuery): Promise<DeadLetter[]> {
  const start = after === undefined ? undefined : deadLetterKeyOf(after);
  if (after !== undefined && start === undefined) {
    const accepted = '<partition>-<offset>, as in the id of a dead letter';
    throw new MillraceError('INVALID_ARGUMENT', `after is "${after}": give ${accepted}`, {
      field: 'after',
      value: after,
      accepted,
    });
  }
  const range = start === undefined ? DEAD_LETTERS : { gt: start, lt: DEAD_LETTERS.lt };
  const found = await level.iterator({ ...range, limit }).all();
  return found.map(([key, value]) => decodeDeadLetter(key, value));
}

export function findDeadLetter(level: Level, id: string): DeadLetter | undefined {
  const key = deadLetterKeyOf(id);
  const value = key && level.getSync(key);
  return key && value && decodeDeadLetter(key, value);
}
