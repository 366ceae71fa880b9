import { changeBlob, readBlob } from '../cdt/bits.ts';
import { runOnCollection } from '../cdt/collection.ts';
import type { Value } from '../msgpack/values.ts';
import { Bytes, ListValue } from '../msgpack/values.ts';
import { PARTICLE } from '../protocol/constants.ts';
import { CommandError, RESULT } from '../protocol/result-code.ts';
import type { Evaluated } from './unknown.ts';
import { UNKNOWN } from './unknown.ts';

type Evaluate = (expression: Value) => Evaluated;

/** Which kind of operation is called; a change yields the changed value and leaves the bin. */
const COLLECTION = 0;
const BITS = 1;
const CHANGES = 0x40;

const WITH_CONTEXT = 0xff;

/** A list, map or bit operation on a value: type of the result, kind of operation, operation, value. */
export function callOperation(evaluate: Evaluate, [, kind, call, target]: readonly Value[]): Evaluated {
  if (typeof kind !== 'number' || !(call instanceof ListValue) || target === undefined) {
    throw new CommandError(RESULT.parameter, 'the call of an operation in an expression is wrong');
  }
  const value = evaluate(target);
  const operation = evaluatedCall(evaluate, call);
  if (value === UNKNOWN || operation === undefined) return UNKNOWN;
  const changes = (kind & CHANGES) !== 0;
  try {
    if ((kind & ~CHANGES) === COLLECTION) {
      const { answer, root } = runOnCollection(value, operation);
      return (changes ? root : answer) ?? UNKNOWN;
    }
    if ((kind & ~CHANGES) === BITS) return onBits(value, operation, changes);
  } catch (error) {
    // As with a missing bin: the operation does not fit this record.
    if (error instanceof CommandError && error.code !== RESULT.unsupportedFeature) return UNKNOWN;
    throw error;
  }
  throw new CommandError(RESULT.unsupportedFeature, `aerospike-dev does not know calls of kind ${kind}`);
}

function onBits(value: Value, operation: Value, changes: boolean): Evaluated {
  if (!(value instanceof Bytes)) return UNKNOWN;
  const blob = Buffer.from(value.data, 'latin1');
  if (!changes) return readBlob(blob, operation);
  return new Bytes(PARTICLE.blob, (changeBlob(blob, operation) ?? blob).toString('latin1'));
}

/** The operation with its parameters evaluated; undefined when one of them is unknown. */
function evaluatedCall(evaluate: Evaluate, { items }: ListValue): ListValue | undefined {
  const [code, ...parameters] = items;
  const [context, nested] = parameters;
  if (code === WITH_CONTEXT && parameters.length === 2 && nested instanceof ListValue) {
    const inner = evaluatedCall(evaluate, nested);
    return inner && new ListValue([code, context!, inner]);
  }
  const values: Value[] = [code!];
  for (const parameter of parameters) {
    const value = evaluate(parameter);
    if (value === UNKNOWN) return undefined;
    values.push(value);
  }
  return new ListValue(values);
}
