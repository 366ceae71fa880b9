import { DIGEST_BYTES, FIELD } from '../protocol/constants.ts';
import { Message } from '../protocol/message.ts';
import { nextOperation } from '../protocol/operation.ts';
import type { Outcome } from '../protocol/response.ts';
import { CommandError, RESULT } from '../protocol/result-code.ts';

/** What a row says about itself before its digest's command. */
const ROW = { repeat: 1, info: 2, generation: 4, ttl: 8, info4: 16 } as const;

const RESPOND_ALL_KEYS = 4;

/** Codes after which a batch goes on even when the client wants it to end at the first failed row. */
const HARMLESS: ReadonlySet<number> = new Set([RESULT.ok, RESULT.notFound, RESULT.filteredOut]);

export interface BatchRow {
  readonly outcome: Outcome;
  /** The number that the client gave to the row. */
  readonly index: number;
}

/**
 * Runs the rows of a batch in their order, each when it is asked for.
 *
 * @param run runs one row, which it gets as a message of its own
 * @throws CommandError for rows that cannot be read
 */
export function* batchRows(message: Message, run: (row: Message) => Outcome): Generator<BatchRow> {
  const batch = message.field(FIELD.batch);
  if (batch === undefined || batch.length < 5) throw new CommandError(RESULT.parameter, 'a batch has no rows');
  const filter = message.field(FIELD.filter);
  const count = batch.readUInt32BE(0);
  const respondAllKeys = (batch[4]! & RESPOND_ALL_KEYS) !== 0;
  const row = new Message();
  row.bytes = batch;
  row.end = batch.length;
  let at = 5;
  for (let done = 0; done < count; done++) {
    if (at + 5 + DIGEST_BYTES > batch.length) throw new CommandError(RESULT.parameter, 'a batch is cut short');
    const index = batch.readUInt32BE(at);
    row.digest = batch.toString('latin1', at + 4, at + 4 + DIGEST_BYTES);
    at += 4 + DIGEST_BYTES;
    const kind = batch[at++]!;
    if ((kind & ROW.repeat) === 0) at = readRow(row, kind, at, filter);
    const outcome = run(row);
    yield { outcome, index };
    if (!respondAllKeys && !HARMLESS.has(outcome.code)) return;
  }
}

/** Reads what the row says anew, and returns where it ends. */
function readRow(row: Message, kind: number, start: number, batchFilter: Buffer | undefined): number {
  const { bytes } = row;
  let at = start;
  row.info1 = bytes[at++]!;
  row.info2 = 0;
  row.info3 = 0;
  row.generation = 0;
  row.ttl = 0;
  if ((kind & ROW.info) !== 0) {
    row.info2 = bytes[at++]!;
    row.info3 = bytes[at++]!;
  }
  if ((kind & ROW.info4) !== 0) at++;
  if ((kind & ROW.generation) !== 0) {
    row.generation = bytes.readUInt16BE(at);
    at += 2;
  }
  if ((kind & ROW.ttl) !== 0) {
    row.ttl = bytes.readUInt32BE(at);
    at += 4;
  }
  const fieldCount = bytes.readUInt16BE(at);
  row.operationCount = bytes.readUInt16BE(at + 2);
  row.operationsAt = row.readFields(at + 4, fieldCount);
  row.fallbackFilter = batchFilter;
  at = row.operationsAt;
  for (let operation = 0; operation < row.operationCount; operation++) at = nextOperation(bytes, at, row.end);
  return at;
}
