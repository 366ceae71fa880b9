import type { LogCursor, Stretch } from './cursor.ts';
import { unreadable } from './errors.ts';
import { decodeFrame, type RecordSink } from './record-codec.ts';

/**
 * Takes the records of a stretch until the sink's budget ends; the cursor then stands at the first one not taken.
 *
 * @returns the offset behind what was taken
 * @throws LOG_CORRUPT for an intact frame of an unknown format
 */
export function takeRecords(cursor: LogCursor, stretch: Stretch, sink: RecordSink): number {
  for (const frame of stretch.frames) {
    const next = decodeFrame(frame.header, stretch.buffer, frame.bodyAt, sink);
    if (next === undefined) throw unreadable(frame.header.offset);
    if (next === frame.header.offset + frame.header.records) continue;
    cursor.rewind(frame, next);
    return next;
  }
  return stretch.to;
}
