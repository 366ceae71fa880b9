import { FIELD, INFO2 } from '../protocol/constants.ts';
import type { Message } from '../protocol/message.ts';
import type { Operation } from '../protocol/operation.ts';
import { readOperations } from '../protocol/operation.ts';
import type { Outcome } from '../protocol/response.ts';
import { emptyOutcome } from '../protocol/response.ts';
import { CommandError, RESULT } from '../protocol/result-code.ts';
import type { Namespace } from '../storage/namespace.ts';
import type { PackedBins, Particle } from '../storage/packed-bins.ts';
import { nullParticle, packBins, unpackBins } from '../storage/packed-bins.ts';
import type { StoredRecord } from '../storage/record.ts';
import { nextGeneration, recordBytes } from '../storage/record.ts';
import { checkFilter, checkGeneration, checkKey } from './conditions.ts';
import { newVoidTime } from './expiry.ts';
import { runOperations } from './operate.ts';
import type { PlainBins } from './plain-bins.ts';
import { mergePlain, plainBins } from './plain-bins.ts';
import { checkOperations, mustNotCreate, replaces } from './write-policies.ts';

/**
 * Put, and operations of which at least one writes. The order of the checks is that of a real server, so that a write
 * with several faults has the same code (8.1, `write_master` in `as/src/transaction/write.c`).
 */
export function write(namespace: Namespace, message: Message): Outcome {
  const { maxBytes } = namespace.settings;
  if (namespace.bytes >= maxBytes) {
    throw new CommandError(RESULT.outOfSpace, `namespace ${namespace.name} holds its ${maxBytes} bytes`);
  }
  if (message.operationCount === 0) return emptyOutcome(RESULT.parameter);
  const plain = plainBins(message);
  const operations = plain === undefined ? readOperations(message) : NO_OPERATIONS;
  checkOperations(message, operations);
  const existing = namespace.get(message.digest);
  checkPresence(message, operations, existing);
  checkGeneration(message, existing);
  if (existing !== undefined) {
    checkFilter(namespace, message, existing);
    checkKey(message, existing);
  }
  const target: Target = { message, existing, voidTime: newVoidTime(namespace, message.ttl, existing) };
  return plain === undefined ? runAll(namespace, target, operations) : put(namespace, target, plain);
}

const NO_OPERATIONS: readonly Operation[] = [];

/** What is written: the record as it was, and when it expires as it shall be. */
interface Target {
  readonly message: Message;
  readonly existing: StoredRecord | undefined;
  readonly voidTime: number;
}

const respondsAll = ({ info2 }: Message): boolean => (info2 & INFO2.respondAllOperations) !== 0;

function put(namespace: Namespace, target: Target, plain: PlainBins): Outcome {
  const { message, existing } = target;
  const written = mergePlain(plain, replaces(message) ? undefined : existing?.bins);
  const outcome = store(namespace, target, written.packed, written.count);
  if (!respondsAll(message)) return outcome;
  const answers = plain.names.map((name): readonly [string, Particle] => [name, nullParticle()]);
  return withAnswers(outcome, answers);
}

function runAll(namespace: Namespace, target: Target, operations: readonly Operation[]): Outcome {
  const { message, existing } = target;
  const bins = existing === undefined || replaces(message) ? new Map() : unpackBins(existing.bins);
  const view = { namespace: namespace.name, digest: message.digest, record: existing };
  const { answers } = runOperations(view, bins, operations, respondsAll(message));
  if (bins.size > 0) return withAnswers(store(namespace, target, packBins(bins), bins.size), answers);
  if (existing === undefined) return emptyOutcome(RESULT.notFound);
  return withAnswers(removeEmptied(namespace, message, existing), answers);
}

function withAnswers(outcome: Outcome, answers: readonly (readonly [string, Particle])[]): Outcome {
  outcome.binCount = answers.length;
  outcome.bins = packBins(answers);
  return outcome;
}

function checkPresence(message: Message, operations: readonly Operation[], existing: StoredRecord | undefined): void {
  if (existing !== undefined && (message.info2 & INFO2.createOnly) !== 0) {
    throw new CommandError(RESULT.recordExists, 'the record exists');
  }
  if (existing === undefined && mustNotCreate(message, operations)) {
    throw new CommandError(RESULT.notFound, 'there is no record to update, replace or touch');
  }
}

/** @throws CommandError for a record that is too large */
function store(
  namespace: Namespace,
  { message, existing, voidTime }: Target,
  bins: PackedBins,
  binCount: number,
): Outcome {
  const set = existing?.set ?? message.text(FIELD.set);
  const key = existing === undefined || existing.key === '' ? message.text(FIELD.key) : existing.key;
  const generation = existing === undefined ? 1 : nextGeneration(existing.generation);
  const record = { bins, binCount, generation, voidTime, lastUpdate: Date.now(), set, key };
  const bytes = recordBytes(record);
  const { maxRecordBytes } = namespace.settings;
  if (bytes > maxRecordBytes) {
    throw new CommandError(RESULT.recordTooBig, `the record has ${bytes} bytes, at most ${maxRecordBytes} are allowed`);
  }
  namespace.set(message.digest, existing, record);
  return { code: RESULT.ok, generation, voidTime, binCount: 0, bins: '' };
}

/** A record lives as long as it has a bin. */
function removeEmptied(namespace: Namespace, message: Message, existing: StoredRecord): Outcome {
  if ((message.info2 & INFO2.durableDelete) !== 0) throw new CommandError(RESULT.enterpriseOnly, 'a durable delete');
  namespace.delete(message.digest, existing);
  return emptyOutcome();
}
