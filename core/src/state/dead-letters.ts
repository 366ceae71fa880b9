import { MillraceError } from '../errors.ts';
import type { DeadLetter, NewDeadLetter } from '../state-store.ts';
import { ByteReader, ByteWriter } from './bytes.ts';

const VERSION = 1;
const MAX_PARTITION = 0xffff;

export interface DeadLetterPlace {
  readonly partition: number;
  readonly offset: number;
}

export function encodeDeadLetter(letter: NewDeadLetter): Buffer {
  const writer = new ByteWriter(256).byte(VERSION).varint(letter.appendedAt).text(letter.code).text(letter.reason);
  if (letter.key === undefined) writer.byte(0);
  else writer.byte(1).text(letter.key);
  return Buffer.concat([writer.view(), letter.value]);
}

/** @throws STATE_CORRUPT */
export function decodeDeadLetter({ partition, offset }: DeadLetterPlace, value: Buffer): DeadLetter {
  const reader = new ByteReader(value);
  if (reader.byte() !== VERSION) throw new MillraceError('STATE_CORRUPT', 'a dead letter has an unknown version');
  return {
    id: deadLetterId({ partition, offset }),
    partition,
    offset,
    appendedAt: reader.varint(),
    code: reader.text(),
    reason: reader.text(),
    key: reader.byte() === 0 ? undefined : reader.text(),
    value: Uint8Array.from(reader.rest()),
  };
}

export const deadLetterId = ({ partition, offset }: DeadLetterPlace): string => `${partition}-${offset}`;

/** Undefined for what cannot be the id of a dead letter. */
export function parseDeadLetterId(id: string): DeadLetterPlace | undefined {
  const match = /^(\d{1,5})-(\d{1,16})$/.exec(id);
  if (match === null) return undefined;
  const place = { partition: Number(match[1]), offset: Number(match[2]) };
  return Number.isSafeInteger(place.offset) && place.partition <= MAX_PARTITION ? place : undefined;
}

/** Where a page of dead letters continues. @throws INVALID_ARGUMENT */
export function placeAfter(after: string | undefined): DeadLetterPlace | undefined {
  if (after === undefined) return undefined;
  const place = parseDeadLetterId(after);
  if (place !== undefined) return place;
  const accepted = '<partition>-<offset>, as in the id of a dead letter';
  throw new MillraceError('INVALID_ARGUMENT', `after is "${after}": give ${accepted}`, {
    field: 'after',
    value: after,
    accepted,
  });
}
