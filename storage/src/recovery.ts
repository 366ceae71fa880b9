import type { DiskFile } from './disk.ts';
import { endOf, isIntact } from './frame.ts';
import { READ_BYTES, readFrames } from './frame-reader.ts';

export interface Recovered {
  /** Where the segment's good bytes end; what lies behind is a torn tail. */
  readonly end: number;
  /** Offset of the next record. */
  readonly next: number;
  /** Pieces of damage below `end`, which stay where they are. */
  readonly damaged: number;
  /** Whether everything below `end` is proved durable by a later frame. */
  readonly proved: boolean;
}

interface Place {
  readonly position: number;
  readonly offset: number;
}

/** Where the sequence of intact frames breaks, the offset that was expected there, and where the broken bytes end. */
interface Break extends Place {
  readonly to: number;
}

/**
 * Finds the end of the last segment of a log.
 *
 * Every frame says up to which position the file was durable when it was written. A broken place below the highest such
 * position was durable once, so it is damage: it stays, and readers report it. One at or above it was never
 * acknowledged: it is a torn tail, and everything from there on goes, also whole frames behind it (a power cut keeps
 * sectors in any order).
 */
export async function recoverSegment(file: DiskFile, segment: number): Promise<Recovered> {
  const size = await file.size();
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  const breaks: Break[] = [];
  let durable: Place = { position: 0, offset: segment };
  let expected = segment;
  let position = 0;
  let endOfIntact = 0;
  while (position < size) {
    const chunk = await readFrames(file, segment, position, size, buffer);
    for (const item of chunk.items) {
      if ('from' in item) {
        breaks.push({ position: item.from, offset: expected, to: item.to });
        continue;
      }
      const { header } = item;
      const follows = header.offset === expected || (header.offset > expected && endOfIntact < header.position);
      if (!follows || !isIntact(header, chunk.buffer, item.bodyAt)) {
        breaks.push({ position: header.position, offset: expected, to: endOf(header) });
        continue;
      }
      if (header.durablePosition > durable.position) {
        durable = { position: header.durablePosition, offset: header.durableOffset };
      }
      expected = header.offset + header.records;
      endOfIntact = endOf(header);
    }
    position = chunk.next;
  }
  const damaged = breaks.filter((broken) => broken.position < durable.position);
  const torn = breaks.find((broken) => broken.to > durable.position);
  let end: Place = torn ?? { position: size, offset: expected };
  // Damage that reaches over the durable position swallows a frame that was never acknowledged.
  if (end.position < durable.position) end = durable;
  const next = Math.max(end.offset, durable.offset);
  return { end: end.position, next, damaged: damaged.length, proved: next === durable.offset };
}
