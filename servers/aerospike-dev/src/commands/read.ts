import { INFO1, INFO2 } from '../protocol/constants.ts';
import type { Message } from '../protocol/message.ts';
import { readOperations } from '../protocol/operation.ts';
import type { Outcome } from '../protocol/response.ts';
import { emptyOutcome } from '../protocol/response.ts';
import { RESULT } from '../protocol/result-code.ts';
import type { Namespace } from '../storage/namespace.ts';
import { packBins, unpackBins } from '../storage/packed-bins.ts';
import type { StoredRecord } from '../storage/record.ts';
import { checkFilter, checkKey } from './conditions.ts';
import { touchOnRead } from './expiry.ts';
import { runOperations } from './operate.ts';

/** Get, select, exists, and operations that only read. */
export function read(namespace: Namespace, message: Message): Outcome {
  const record = namespace.get(message.digest);
  if (record === undefined) return emptyOutcome(RESULT.notFound);
  checkKey(message, record);
  checkFilter(namespace, message, record);
  const outcome = readRecord(namespace, message, message.digest, record);
  touchOnRead(record, message.ttl);
  return outcome;
}

/** What the message asks of a record that was found. */
export function readRecord(namespace: Namespace, message: Message, digest: string, record: StoredRecord): Outcome {
  const { generation, voidTime } = record;
  if ((message.info1 & INFO1.noBinData) !== 0) return { code: 0, generation, voidTime, binCount: 0, bins: '' };
  if ((message.info1 & INFO1.getAll) !== 0 || message.operationCount === 0) {
    return { code: 0, generation, voidTime, binCount: record.binCount, bins: record.bins };
  }
  const operations = readOperations(message);
  const target = { namespace: namespace.name, digest, record };
  const respondAll = (message.info2 & INFO2.respondAllOperations) !== 0;
  const { answers } = runOperations(target, unpackBins(record.bins), operations, respondAll);
  return { code: 0, generation, voidTime, binCount: answers.length, bins: packBins(answers) };
}
