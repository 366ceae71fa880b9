import type { StateSchema, TimelineEntry, TimelineQuery } from '../state-store.ts';

import { ByteReader, ByteWriter } from './bytes.ts';
import { type Dictionaries, decodeRow, encodeRow } from './row-codec.ts';

/*
 * The timelines of one key, all kinds, are one string: events in the order of their arrival, each as its length (varint),
 * kind (1 byte), time (6 bytes, big-endian) and row. Of events with equal times the later in the string is the later
 * arrival, so no offset is stored.
 */
const HEAD_BYTES = 7;

/** One event as it lies in the string, not decoded yet. */
export interface StoredEvent {
  readonly kind: number;
  readonly time: number;
  /** Where the event begins, with its length, and where it ends. */
  readonly start: number;
  readonly row: number;
  readonly end: number;
}

/** Encodes events into a buffer that is used again for each. */
export class EventEncoder {
  readonly #schema: StateSchema;
  readonly #row = new ByteWriter();
  readonly #event = new ByteWriter();

  constructor(schema: StateSchema) {
    this.#schema = schema;
  }

  /** `numbers` as for `encodeRow`. Valid until the next call. */
  encode(
    event: { kind: number; time: number; dimensions: readonly string[]; measures: readonly number[] },
    numbers: ArrayLike<number>,
  ): Buffer {
    encodeRow(this.#row.reset(), this.#schema, numbers, event.dimensions, event.measures);
    const high = Math.floor(event.time / 2 ** 32);
    const low = event.time >>> 0;
    this.#event
      .reset()
      .varint(HEAD_BYTES + this.#row.length)
      .byte(event.kind)
      .byte(high >>> 8)
      .byte(high & 0xff)
      .byte(low >>> 24)
      .byte((low >>> 16) & 0xff)
      .byte((low >>> 8) & 0xff)
      .byte(low & 0xff)
      .bytes(this.#row.view());
    return this.#event.view();
  }
}

/** In the order of their arrival. */
export function storedEvents(bytes: Buffer): StoredEvent[] {
  const events: StoredEvent[] = [];
  const reader = new ByteReader(bytes);
  while (!reader.done) {
    const start = reader.position;
    const length = reader.varint();
    const head = reader.position;
    const end = head + length;
    events.push({ kind: bytes[head]!, time: bytes.readUIntBE(head + 1, 6), start, row: head + HEAD_BYTES, end });
    reader.skip(length);
  }
  return events;
}

/** Newest first, of equal times the later arrival first: the same order for all that follows. */
function newestFirst(events: readonly StoredEvent[]): StoredEvent[] {
  return events.toSorted((a, b) => b.time - a.time || b.start - a.start);
}

/** What is left when each kind keeps its newest events; undefined when all stay. */
export function trimmed(bytes: Buffer, keep: number): Buffer | undefined {
  const events = storedEvents(bytes);
  const counts = new Map<number, number>();
  const kept = newestFirst(events).filter(({ kind }) => {
    const count = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, count);
    return count <= keep;
  });
  if (kept.length === events.length) return undefined;
  const inOrder = kept.toSorted((a, b) => a.start - b.start);
  return Buffer.concat(inOrder.map(({ start, end }) => bytes.subarray(start, end)));
}

export interface TimelinePart {
  readonly bytes: Buffer;
  readonly dictionaries: Dictionaries;
}

/** The answer to a query from what each partition has of the key. Undefined when a dictionary lacks an entry. */
export function readTimeline(
  parts: readonly TimelinePart[],
  { kind, from, to, limit }: TimelineQuery,
  { schema, keep }: { readonly schema: StateSchema; readonly keep: number },
): TimelineEntry[] | undefined {
  const found = parts.flatMap((part) =>
    newestFirst(storedEvents(part.bytes).filter((event) => event.kind === kind)).map((event) => ({ event, part })),
  );
  // All events of a key are in one partition: only what breaks that rule has to be put in order here.
  const events = parts.length > 1 ? found.toSorted((a, b) => b.event.time - a.event.time) : found;
  const entries: TimelineEntry[] = [];
  for (const { event, part } of events.slice(0, keep)) {
    if (event.time < from || entries.length >= limit) break;
    if (event.time >= to) continue;
    const row = decodeRow(part.bytes.subarray(event.row, event.end), schema, part.dictionaries);
    if (row === undefined) return undefined;
    entries.push({ time: event.time, ...row });
  }
  return entries;
}
