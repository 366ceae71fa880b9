import {
  MillraceError,
  type DeadLetter,
  type ErrorDetails,
  type LogRecord,
  type NewRecord,
  type StateEvent,
} from '@millrace/core';
import { ByteReader, ByteWriter } from './bytes.ts';
import { ACTIONS, DEVICES, productDimension, type UserTag } from './tag.ts';

/**
 * A user tag as a log record. The key is the cookie; the value is
 *
 *   byte 0      version of this layout: 1
 *   byte 1      flags: bits 0-1 device, bit 2 action, bit 3 an idempotency key is there, bit 4 a retry
 *   6 bytes     time, milliseconds since the epoch, big endian
 *   varint      price, zigzag
 *   5 texts     origin, brand_id, category_id, country, product_id: length in bytes (varint), UTF-8
 *   text        idempotency key, if flagged
 *
 * A retry of a dead letter has version and flags (bit 4 only), then the letter's id as a text, then the letter's whole
 * value. About 45 bytes for a usual tag; JSON takes 250 and four times as long to read.
 */
const VERSION = 1;
const DEVICE = 0b11;
const ACTION_SHIFT = 2;
const IDEMPOTENT = 1 << 3;
const RETRY = 1 << 4;
const KNOWN_FLAGS = DEVICE | (1 << ACTION_SHIFT) | IDEMPOTENT | RETRY;

const LETTER_ID = /^\d+-\d+$/;

const writer = new ByteWriter();
const reader = new ByteReader();

/** The tag as a record: key is the cookie. Expects a checked tag (see {@link UserTag} for the bounds). */
export function encodeTag(tag: UserTag, idempotencyKey?: string): NewRecord {
  const product = productDimension(tag.productId);
  const { origin, brandId, categoryId, country } = tag;
  const characters = origin.length + brandId.length + categoryId.length + country.length + product.length;
  writer.begin(64 + 3 * (characters + (idempotencyKey?.length ?? 0)));
  writer.byte(VERSION);
  writer.byte(
    DEVICES.indexOf(tag.device) |
      (ACTIONS.indexOf(tag.action) << ACTION_SHIFT) |
      (idempotencyKey === undefined ? 0 : IDEMPOTENT),
  );
  writer.uint48(tag.time);
  writer.zigzag(tag.price);
  writer.text(origin);
  writer.text(brandId);
  writer.text(categoryId);
  writer.text(country);
  writer.text(product);
  if (idempotencyKey !== undefined) writer.text(idempotencyKey);
  return { key: tag.cookie, value: writer.end() };
}

/** A dead letter on its way through the log once more; what comes of it resolves the letter in the same commit. */
export function encodeRetry(deadLetterId: string, letter: DeadLetter): NewRecord {
  writer.begin(16 + 3 * deadLetterId.length + letter.value.length);
  writer.byte(VERSION);
  writer.byte(RETRY);
  writer.text(deadLetterId);
  writer.raw(letter.value);
  const value = writer.end();
  return letter.key === undefined ? { value } : { key: letter.key, value };
}

export interface DecodedRecord {
  readonly event: StateEvent;
  /** The dead letter that this record is a retry of. */
  readonly resolves?: string;
}

/** @throws RECORD_UNREADABLE, and nothing else, whatever the bytes are; the message says what was found. */
export function decodeRecord(record: LogRecord): DecodedRecord {
  try {
    reader.open(record.value);
    const flags = readHeader();
    if ((flags & RETRY) === 0) return { event: readTag(record, flags) };
    const resolves = readLetterId(flags);
    const inner = readHeader();
    if ((inner & RETRY) !== 0) throw unreadable('a retry of a retry', { field: 'flags', value: inner });
    const event = readTag(record, inner);
    // Two retries of one letter (a person clicked twice) must count once. Two blanks: no key of a request has one, none of
    // a tag in a batch more than one.
    return {
      event: event.dedupeKey === undefined ? { ...event, dedupeKey: `dead letter ${resolves}` } : event,
      resolves,
    };
  } catch (error) {
    if (error instanceof RangeError) throw unreadable(error.message, {}, error);
    throw error;
  }
}

/** The dead letter that a record retries, readable otherwise or not; undefined when it is no retry. */
export function retriedLetter(record: LogRecord): string | undefined {
  try {
    reader.open(record.value);
    const flags = readHeader();
    return (flags & RETRY) === 0 ? undefined : readLetterId(flags);
  } catch (error) {
    if (error instanceof RangeError || error instanceof MillraceError) return undefined;
    throw error;
  }
}

function readHeader(): number {
  const version = reader.byte();
  if (version !== VERSION) {
    throw unreadable(`version ${version} of a tag record, this release reads ${VERSION}`, {
      field: 'version',
      value: version,
      accepted: String(VERSION),
    });
  }
  const flags = reader.byte();
  if ((flags & ~KNOWN_FLAGS) !== 0)
    throw unreadable(`unknown flags 0x${flags.toString(16)}`, { field: 'flags', value: flags });
  return flags;
}

function readLetterId(flags: number): string {
  const id = reader.text();
  if (flags === RETRY && LETTER_ID.test(id)) return id;
  throw unreadable('a retry that names no dead letter', {
    field: 'deadLetter',
    value: id,
    accepted: '<partition>-<offset>',
  });
}

function readTag(record: LogRecord, flags: number): StateEvent {
  const { key, offset, timestamp: appendedAt } = record;
  if (key === undefined) throw unreadable('no key: the key of a tag record is the cookie', { field: 'key' });
  const device = DEVICES[flags & DEVICE];
  if (device === undefined) throw unreadable(`device ${flags & DEVICE}`, { field: 'device', value: flags & DEVICE });
  const kind = (flags >> ACTION_SHIFT) & 1;
  const time = reader.uint48();
  const measures = [reader.zigzag()];
  const origin = reader.repeatedText();
  const brand = reader.repeatedText();
  const category = reader.repeatedText();
  const country = reader.repeatedText();
  const dimensions = [origin, brand, category, country, device, reader.text()];
  const dedupeKey = (flags & IDEMPOTENT) === 0 ? undefined : reader.text();
  if (reader.left > 0)
    throw unreadable(`${reader.left} bytes too many`, { field: 'length', value: record.value.length });
  const event = { offset, key, kind, time, dimensions, measures, appendedAt };
  return dedupeKey === undefined ? event : { ...event, dedupeKey };
}

function unreadable(found: string, details: ErrorDetails, cause?: unknown): MillraceError {
  return new MillraceError('RECORD_UNREADABLE', `no readable user tag: ${found}`, { ...details, cause });
}
