import { FIELD, INFO2, INFO3, OPERATION } from '../protocol/constants.ts';
import type { Message } from '../protocol/message.ts';
import type { Operation } from '../protocol/operation.ts';
import { readOperations } from '../protocol/operation.ts';
import type { Outcome } from '../protocol/response.ts';
import { emptyOutcome } from '../protocol/response.ts';
import { CommandError, RESULT } from '../protocol/result-code.ts';
import type { Namespace } from '../storage/namespace.ts';
import type { Particle } from '../storage/packed-bins.ts';
import { nullParticle, packBins, unpackBins } from '../storage/packed-bins.ts';
import type { StoredRecord } from '../storage/record.ts';
import { nextGeneration, recordBytes } from '../storage/record.ts';
import { checkFilter, checkGeneration, checkKey } from './conditions.ts';
import { newVoidTime } from './expiry.ts';
import { runOperations } from './operate.ts';
import { mergePlain, plainBins } from './plain-bins.ts';
import { READ_OPERATIONS } from './read.ts';

/** Put, and operations of which at least one writes. */
export function write(namespace: Namespace, message: Message): Outcome {
  if (message.operationCount === 0) return emptyOutcome(RESULT.parameter);
  const existing = namespace.get(message.digest);
  checkPresence(message, existing);
  checkGeneration(message, existing);
  if (existing !== undefined) {
    checkKey(message, existing);
    checkFilter(namespace, message, existing);
  }
  const voidTime = newVoidTime(namespace, message.ttl, existing);
  const replaces = (message.info3 & (INFO3.createOrReplace | INFO3.replaceOnly)) !== 0;

  const respondAll = (message.info2 & INFO2.respondAllOperations) !== 0;

  const plain = plainBins(message);
  if (plain !== undefined) {
    const written = mergePlain(plain, replaces ? undefined : existing?.bins);
    const outcome = store(namespace, message, existing, written.packed, written.count, voidTime);
    return respondAll
      ? withAnswers(
          outcome,
          plain.names.map((name) => [name, nullParticle()]),
        )
      : outcome;
  }
  const operations = readOperations(message);
  if (existing === undefined && operations.every(({ code }) => code === OPERATION.touch)) {
    return emptyOutcome(RESULT.notFound);
  }
  if (replaces) refuseReplacing(operations);
  const bins = existing === undefined || replaces ? new Map() : unpackBins(existing.bins);
  const target = { namespace: namespace.name, digest: message.digest, record: existing };
  const { answers } = runOperations(target, bins, operations, respondAll);
  const outcome =
    bins.size === 0
      ? removeEmptied(namespace, message, existing)
      : store(namespace, message, existing, packBins(bins), bins.size, voidTime);
  return withAnswers(outcome, answers);
}

function withAnswers(outcome: Outcome, answers: readonly (readonly [string, Particle])[]): Outcome {
  outcome.binCount = answers.length;
  outcome.bins = packBins(answers);
  return outcome;
}

function checkPresence(message: Message, existing: StoredRecord | undefined): void {
  if (existing !== undefined && (message.info2 & INFO2.createOnly) !== 0) {
    throw new CommandError(RESULT.recordExists, 'the record exists');
  }
  if (existing === undefined && (message.info3 & (INFO3.updateOnly | INFO3.replaceOnly)) !== 0) {
    throw new CommandError(RESULT.notFound, 'there is no record to update or replace');
  }
}

/** A replaced record has no bins that an operation could build on. */
function refuseReplacing(operations: readonly Operation[]): void {
  const refused = operations.find(({ code }) => code !== OPERATION.write && !READ_OPERATIONS.has(code));
  if (refused !== undefined) {
    throw new CommandError(RESULT.parameter, `operation ${refused.code} cannot replace a record`);
  }
}

/** @throws CommandError for a record that is too large, and when the namespace is full */
function store(
  namespace: Namespace,
  message: Message,
  existing: StoredRecord | undefined,
  bins: string,
  binCount: number,
  voidTime: number,
): Outcome {
  const set = existing?.set ?? message.text(FIELD.set);
  const key = existing === undefined || existing.key === '' ? message.text(FIELD.key) : existing.key;
  const bytes = recordBytes(bins, set, key);
  const { maxBytes, maxRecordBytes } = namespace.settings;
  if (bytes > maxRecordBytes) {
    throw new CommandError(RESULT.recordTooBig, `the record has ${bytes} bytes, at most ${maxRecordBytes} are allowed`);
  }
  // As on a real server, a full namespace refuses every write, also one that would free memory.
  if (namespace.bytes >= maxBytes) {
    throw new CommandError(RESULT.outOfSpace, `namespace ${namespace.name} holds its ${maxBytes} bytes`);
  }
  const generation = existing === undefined ? 1 : nextGeneration(existing.generation);
  namespace.set(message.digest, existing, { bins, binCount, generation, voidTime, lastUpdate: Date.now(), set, key });
  return { code: RESULT.ok, generation, voidTime, binCount: 0, bins: '' };
}

/** A record lives as long as it has a bin. */
function removeEmptied(namespace: Namespace, message: Message, existing: StoredRecord | undefined): Outcome {
  if (existing === undefined) return emptyOutcome(RESULT.notFound);
  if ((message.info2 & INFO2.durableDelete) !== 0) return emptyOutcome(RESULT.enterpriseOnly);
  namespace.delete(message.digest, existing);
  return emptyOutcome();
}
