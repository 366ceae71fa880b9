import { MillraceError } from '@millrace/core';

/** Characters of one part: 100,000 of any script are below 300 KB of UTF-8, so that a part fits where a record may have 1 MiB. */
const DEFAULT_PART_LENGTH = 100_000;

export interface SplitRecordOptions {
  /** Characters (UTF-16 code units) of one part. Default 100,000. */
  readonly partLength?: number;
  /** Name of the bin with the text. Default `data`. */
  readonly bin?: string;
}

/** A part of a text as a publisher takes it. */
export interface RecordPart {
  readonly key: string;
  /** `chunk_id` is the offset of the part, and the bin that the options name its text. */
  readonly value: Readonly<Record<string, string | number>>;
}

/**
 * A text that is too large for one record, as several: their keys are `<key>_chunk_<offset>`, with the offset in
 * characters. A pair of surrogates is never cut, so a part may have one character less.
 *
 * @example
 * for (const part of splitRecord('data', text)) await publisher.publish(part); // data_chunk_0, data_chunk_100000 ...
 *
 * @throws INVALID_ARGUMENT
 */
export function splitRecord(key: string, text: string, options: SplitRecordOptions = {}): RecordPart[] {
  const { partLength = DEFAULT_PART_LENGTH, bin = 'data' } = options;
  if (!Number.isInteger(partLength) || partLength < 2) {
    const accepted = 'an integer from 2 up';
    throw new MillraceError('INVALID_ARGUMENT', `partLength is ${partLength}: give ${accepted}`, {
      field: 'partLength',
      value: partLength,
      accepted,
    });
  }
  const parts: RecordPart[] = [];
  let start = 0;
  do {
    let end = Math.min(start + partLength, text.length);
    // The first half of a pair goes to the next part, with its other half.
    if (end < text.length && isFirstHalf(text.charCodeAt(end - 1))) end--;
    parts.push({ key: `${key}_chunk_${start}`, value: { chunk_id: start, [bin]: text.slice(start, end) } });
    start = end;
  } while (start < text.length);
  return parts;
}

const isFirstHalf = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;
