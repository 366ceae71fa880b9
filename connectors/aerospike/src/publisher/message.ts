import { type Encoded, type Message, Skipped } from '@millrace/core';

import { type BinValue, binsOf, isStorable, isStorableInteger, refusal } from './bins.ts';
import { GENERATION_FIELD, type PublisherValues, TTL_FIELD, TTL_SECONDS } from './options.ts';

export type UserKey = string | number | Buffer;

/** One record to write. */
export interface EncodedRecord extends Encoded {
  readonly key: UserKey;
  /** Tells keys apart: 1 and '1' are two. */
  readonly id: string;
  readonly bins: Readonly<Record<string, BinValue>>;
  readonly ttl: number;
  /** That the record must have; undefined when it does not matter. */
  readonly generation: number | undefined;
  /** An attempt may have been applied, so a later refusal may be of its own doing. */
  inDoubt: boolean;
}

type EncodeOptions = Pick<PublisherValues, 'keyField' | 'keyType' | 'onMissingKey' | 'generationPolicy' | 'ttlSeconds'>;

/** Makes messages into records. @returns a function that throws INVALID_ARGUMENT naming the field */
export function encoder(options: EncodeOptions): (message: Message) => EncodedRecord | Skipped {
  const { keyField, keyType, onMissingKey, generationPolicy, ttlSeconds } = options;
  const without = new Set([keyField, TTL_FIELD, GENERATION_FIELD]);
  return ({ key: given, value }) => {
    if (!isFields(value)) {
      throw refusal('the value of a message is a record', 'value', value, 'an object whose fields become the bins');
    }
    const found: unknown = given ?? value[keyField];
    // As the original takes them: none of these names a record. The key of a message is one as it is.
    if (given === undefined && !(found instanceof Uint8Array) && (found === undefined || isFalsy(found))) {
      return withoutKey(keyField, onMissingKey);
    }
    const key = keyOf(found, keyField, keyType);
    const { bins, bytes } = binsOf(value, without);
    return {
      key,
      id: idOf(key),
      bins,
      bytes,
      ttl: TTL_FIELD in value ? ttlOf(value[TTL_FIELD]) : ttlSeconds,
      generation: generationPolicy === 'none' ? undefined : generationOf(value[GENERATION_FIELD]),
      inDoubt: false,
    };
  };
}

const isFields = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isFalsy = (key: unknown): boolean => key === '' || key === 0 || key === null || key === false;

function keyOf(found: unknown, field: string, type: PublisherValues['keyType']): UserKey {
  if (type === 'auto' || type === 'string') {
    if (type === 'auto' && found instanceof Uint8Array && found.length > 0) return Buffer.from(found);
    if (type === 'auto' && isStorableInteger(found)) return found;
    const text = type === 'string' && typeof found === 'number' ? String(found) : found;
    // The client takes no empty one.
    if (typeof text === 'string' && text !== '' && isStorable(text)) return text;
    throw refusal(`this is no key`, field, found, 'a text without NUL, an integer, or bytes, none of them empty');
  }
  if (type === 'integer') {
    const number = typeof found === 'string' && /^-?\d+$/.test(found) ? Number(found) : found;
    if (isStorableInteger(number)) return number;
    throw refusal(`this is no integer key`, field, found, 'an integer between -(2^53 - 1) and 2^53 - 1');
  }
  if (found instanceof Uint8Array && found.length > 0) return Buffer.from(found);
  if (typeof found === 'string' && /^(?:[0-9a-f]{2})+$/i.test(found)) return Buffer.from(found, 'hex');
  throw refusal(`this is no key of bytes`, field, found, 'bytes, or an even number of hexadecimal digits');
}

function idOf(key: UserKey): string {
  if (typeof key === 'string') return `s${key}`;
  return typeof key === 'number' ? `i${key}` : `b${key.toString('latin1')}`;
}

function ttlOf(given: unknown): number {
  const seconds = Math.ceil(Number(given));
  if (
    (typeof given === 'number' || typeof given === 'string') &&
    seconds >= TTL_SECONDS.min &&
    seconds <= TTL_SECONDS.max
  ) {
    return seconds;
  }
  const accepted = `seconds up to ${TTL_SECONDS.max} (10 years), 0 for the default, -1 for ever, -2 to leave it`;
  throw refusal('this is no time to live', TTL_FIELD, given, accepted);
}

function generationOf(given: unknown): number | undefined {
  if (given === undefined) return undefined;
  if (Number.isInteger(given) && Number(given) >= 0 && Number(given) <= 65_535) return Number(given);
  throw refusal(
    'this is no generation',
    GENERATION_FIELD,
    given,
    'an integer from 0 (there is no record yet) to 65535',
  );
}

function withoutKey(field: string, onMissingKey: 'reject' | 'log'): Skipped {
  const message = `No ${field} found in data: the message has no key, and its value no field ${field}`;
  if (onMissingKey === 'reject') throw refusal(message, 'key', undefined, 'a text, an integer or bytes');
  return new Skipped(message);
}
