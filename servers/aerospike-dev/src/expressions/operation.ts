import { decode } from '../msgpack/decode.ts';
import { particleOf } from '../msgpack/encode.ts';
import { ListValue } from '../msgpack/values.ts';
import { PARTICLE } from '../protocol/constants.ts';
import type { Operation } from '../protocol/operation.ts';
import { CommandError, RESULT } from '../protocol/result-code.ts';
import type { Bins, Particle } from '../storage/packed-bins.ts';
import type { RecordView } from './context.ts';
import { Evaluator } from './evaluate.ts';
import { UNKNOWN } from './unknown.ts';

/** Flags of writing the result to a bin, and of reading it. */
const CREATE_ONLY = 1;
const UPDATE_ONLY = 2;
const ALLOW_DELETE = 4;
const POLICY_NO_FAIL = 8;
const EVALUATION_NO_FAIL = 16;

/** Answers what the expression is worth. */
export function readByExpression(bins: Bins, operation: Operation, target: RecordView): Particle | undefined {
  return run(bins, operation, target).result;
}

/** Writes what the expression is worth to a bin. */
export function modifyByExpression(bins: Bins, operation: Operation, target: RecordView): undefined {
  const { name } = operation;
  const { result, flags } = run(bins, operation, target);
  if (result === undefined) return;
  const refusal = policyRefusal(bins.has(name), flags);
  if (refusal !== undefined) {
    if ((flags & POLICY_NO_FAIL) === 0) throw refusal;
    return;
  }
  if (result.type !== PARTICLE.null) bins.set(name, result);
  else if ((flags & ALLOW_DELETE) !== 0) bins.delete(name);
  else if ((flags & POLICY_NO_FAIL) === 0) {
    throw new CommandError(RESULT.notApplicable, 'the expression would delete the bin');
  }
}

function policyRefusal(exists: boolean, flags: number): CommandError | undefined {
  if (exists && (flags & CREATE_ONLY) !== 0) return new CommandError(RESULT.binExists, 'the bin exists');
  if (!exists && (flags & UPDATE_ONLY) !== 0) return new CommandError(RESULT.binNotFound, 'the bin does not exist');
  return undefined;
}

/** The operation's data is a list of the expression and the flags. */
function run(bins: Bins, { data }: Operation, target: RecordView): { result: Particle | undefined; flags: number } {
  const payload = decode(data);
  const [expression = null, flags] = payload instanceof ListValue ? payload.items : [];
  const bits = Number(flags ?? 0);
  const value = new Evaluator({ ...target, bin: (name) => bins.get(name) }).evaluate(expression);
  if (value !== UNKNOWN) return { result: particleOf(value), flags: bits };
  if ((bits & EVALUATION_NO_FAIL) === 0) {
    throw new CommandError(RESULT.notApplicable, 'the expression is unknown for this record');
  }
  return { result: undefined, flags: bits };
}
