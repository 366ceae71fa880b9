import type { Value } from '../msgpack/values.ts';
import { Double, integerValue, isInteger } from '../msgpack/values.ts';
import { wrong } from './arguments.ts';

/** The sum of two numbers, of the first one's type; undefined counts as 0. Integers wrap around at 64 bits. */
export function sum(value: Value | undefined, delta: Value): Value {
  const added = delta === null ? 1 : delta;
  if (!isInteger(added) && !(added instanceof Double)) throw wrong('only a number can be added');
  if (value === undefined) return added;
  if (value instanceof Double) return new Double(value.value + Number(added instanceof Double ? added.value : added));
  if (!isInteger(value)) throw wrong('the element is not a number');
  const step = added instanceof Double ? BigInt(Math.trunc(added.value)) : BigInt(added);
  return integerValue(BigInt(value) + step);
}

export function negated(delta: Value): Value {
  if (delta instanceof Double) return new Double(-delta.value);
  if (delta === null) return -1;
  if (!isInteger(delta)) throw wrong('only a number can be subtracted');
  return integerValue(-BigInt(delta));
}
