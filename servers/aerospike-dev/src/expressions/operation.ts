import { decode } from '../msgpack/decode.ts';
import { particleOf } from '../msgpack/encode.ts';
import type { Value } from '../msgpack/values.ts';
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
  const { expression, flags } = callOf(operation);
  return run(bins, expression, flags, target);
}

/** Writes what the expression is worth to a bin. */
export function modifyByExpression(bins: Bins, operation: Operation, target: RecordView): undefined {
  const { name } = operation;
  const { expression, flags } = callOf(operation);
  const refusal = policyRefusal(bins.has(name), flags);
  if (refusal !== undefined) {
    if ((flags & POLICY_NO_FAIL) === 0) throw refusal;
    return;
  }
  const result = run(bins, expression, flags, target);
  if (result === undefined) return;
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
function callOf({ data }: Operation): { expression: Value; flags: number } {
  const payload = decode(data);
  const [expression = null, flags = 0] = payload instanceof ListValue ? payload.items : [];
  return { expression, flags: Number(flags) };
}

/** Undefined where the expression is unknown, and that is no failure. */
function run(bins: Bins, expression: Value, flags: number, target: RecordView): Particle | undefined {
  const value = new Evaluator({ ...target, bin: (name) => bins.get(name) }).evaluate(expression);
  if (value !== UNKNOWN) return particleOf(value);
  if ((flags & EVALUATION_NO_FAIL) !== 0) return undefined;
  throw new CommandError(RESULT.notApplicable, 'the expression is unknown for this record');
}
