import { setImmediate } from 'node:timers/promises';
import { compileFilter } from '../expressions/filter.ts';
import { DIGEST_BYTES, FIELD, INFO2, INFO3, PARTITIONS } from '../protocol/constants.ts';
import type { Message } from '../protocol/message.ts';
import type { ResponseField } from '../protocol/message-stream.ts';
import { MessageStream } from '../protocol/message-stream.ts';
import type { Reply } from '../protocol/reply.ts';
import { ANSWER_FRAME_BYTES } from '../protocol/reply.ts';
import { emptyOutcome } from '../protocol/response.ts';
import { CommandError, RESULT } from '../protocol/result-code.ts';
import type { Database } from '../storage/database.ts';
import type { Namespace } from '../storage/namespace.ts';
import { partitionOf } from '../storage/namespace.ts';
import type { StoredRecord } from '../storage/record.ts';
import { readRecord } from './read.ts';
import { indexCondition } from './secondary-index.ts';
import { write } from './write.ts';

/** Other connections are served at least this often, in milliseconds, while a scan looks at its records. */
const LONGEST_TURN_MS = 10;

/** A partition to read, and the digest that was read last of it. */
interface PartitionRange {
  readonly id: number;
  readonly after: string;
}

type Condition = (digest: string, record: StoredRecord) => boolean;

/**
 * Scans or queries the partitions that the message names, or changes their records in the background. A query looks at
 * every record of its set: secondary indexes are only declared here.
 *
 * @param owns whether the node is the master of a partition; others are answered as unavailable
 * @throws CommandError for a namespace or an index that there is not
 */
export async function runScan(
  database: Database,
  owns: (partition: number) => boolean,
  message: Message,
  reply: Reply,
): Promise<void> {
  const namespace = database.namespace(message.text(FIELD.namespace));
  if (namespace === undefined) throw new CommandError(RESULT.namespaceNotFound, 'no such namespace');
  if (message.has(FIELD.udfPackage)) {
    throw new CommandError(RESULT.unsupportedFeature, 'aerospike-dev has no user-defined functions');
  }
  const condition = conditionOf(namespace, message);
  const stream = new MessageStream();
  if ((message.info2 & INFO2.write) !== 0) {
    await changeRecords(namespace, owns, condition, message);
  } else {
    const maxRecords = message.field(FIELD.maxRecords);
    let left = maxRecords === undefined ? Infinity : Number(maxRecords.readBigUInt64BE());
    for await (const { id, after } of inTurns(partitionsOf(message))) {
      if (!owns(id)) {
        // The partition's number stands where a record has its generation.
        stream.add({ ...emptyOutcome(RESULT.unavailable), generation: id }, INFO3.partitionDone);
        continue;
      }
      for (const [digest, record] of namespace.partition(id, after)) {
        if (!condition(digest, record)) continue;
        if (left-- <= 0) break;
        stream.add(readRecord(namespace, message, digest, record), 0, 0, fieldsOf(namespace, message, digest, record));
        if (stream.length < ANSWER_FRAME_BYTES) continue;
        reply.send(stream.take());
        if (!(await reply.drained())) return;
      }
      if (left <= 0) break;
    }
  }
  stream.last(RESULT.ok);
  reply.send(stream.take());
}

/** The same, with pauses in which other connections are served. */
async function* inTurns(ranges: readonly PartitionRange[]): AsyncGenerator<PartitionRange> {
  let turnEnds = performance.now() + LONGEST_TURN_MS;
  for (const range of ranges) {
    yield range;
    if (performance.now() < turnEnds) continue;
    await setImmediate();
    turnEnds = performance.now() + LONGEST_TURN_MS;
  }
}

function conditionOf(namespace: Namespace, message: Message): Condition {
  const set = message.has(FIELD.set) ? message.text(FIELD.set) : undefined;
  const inRange = indexCondition(namespace, message);
  const { filter } = message;
  const matches = filter === undefined ? undefined : compileFilter(filter);
  return (digest, record) =>
    (set === undefined || record.set === set) &&
    (inRange === undefined || inRange(record)) &&
    (matches === undefined || matches({ namespace: namespace.name, digest, record }));
}

/** Whole partitions, and such of which a part was read; without both, everything. */
function partitionsOf(message: Message): PartitionRange[] {
  const whole = message.text(FIELD.partitions);
  const resumed = message.text(FIELD.resumeDigests);
  if (whole === '' && resumed === '') {
    return Array.from({ length: PARTITIONS }, (_, id) => ({ id, after: '' }));
  }
  const ranges: PartitionRange[] = [];
  for (let at = 0; at + 1 < whole.length; at += 2) {
    ranges.push({ id: partitionOf(whole.slice(at)), after: '' });
  }
  for (let at = 0; at + DIGEST_BYTES <= resumed.length; at += DIGEST_BYTES) {
    const after = resumed.slice(at, at + DIGEST_BYTES);
    ranges.push({ id: partitionOf(after), after });
  }
  return ranges;
}

function fieldsOf(namespace: Namespace, message: Message, digest: string, record: StoredRecord): ResponseField[] {
  const fields: ResponseField[] = [
    { type: FIELD.namespace, text: namespace.name },
    { type: FIELD.digest, text: digest },
  ];
  if (record.set !== '') fields.push({ type: FIELD.set, text: record.set });
  if (record.key !== '') fields.push({ type: FIELD.key, text: record.key });
  // A query resumes by the value in the index and the digest; here the digest alone says where.
  if (message.has(FIELD.indexRange)) fields.push({ type: FIELD.resumeValues, text: '\0'.repeat(8) });
  return fields;
}

/** Runs the operations of the message on every record. A record that cannot be changed is left as it is. */
async function changeRecords(
  namespace: Namespace,
  owns: (partition: number) => boolean,
  condition: Condition,
  message: Message,
): Promise<void> {
  for await (const { id, after } of inTurns(partitionsOf(message))) {
    if (!owns(id)) continue;
    for (const [digest, record] of namespace.partition(id, after)) {
      if (!condition(digest, record)) continue;
      message.digest = digest;
      try {
        write(namespace, message);
      } catch (error) {
        if (!(error instanceof CommandError)) throw error;
      }
    }
  }
}
