import { compare } from '../msgpack/compare.ts';
import type { Value } from '../msgpack/values.ts';
import { Double, integerValue, isInteger } from '../msgpack/values.ts';
import type { Formula } from './comparison.ts';

const BITS = 64n;

/** On operands of one type, integers or doubles; undefined is an unknown result. */
function folded(
  integers: (a: bigint, b: bigint) => bigint | undefined,
  doubles: (a: number, b: number) => number,
  alone?: readonly [integer: bigint, double: number],
): Formula {
  return (operands) => {
    const values =
      operands.length === 1 && alone !== undefined ? [startOf(operands[0]!, alone), ...operands] : operands;
    const [first, ...others] = values;
    if (first instanceof Double) {
      if (!others.every((each) => each instanceof Double)) return undefined;
      return new Double(others.reduce((total, { value }) => doubles(total, value), first.value));
    }
    if (!values.every(isInteger)) return undefined;
    let total: bigint | undefined = BigInt(first as number | bigint);
    for (const each of others) {
      total = total === undefined ? undefined : integers(total, BigInt(each as number | bigint));
    }
    return total === undefined ? undefined : integerValue(total);
  };
}

const startOf = (operand: Value, [integer, double]: readonly [bigint, number]): Value =>
  operand instanceof Double ? new Double(double) : integerValue(integer);

const onDoubles =
  (run: (...operands: number[]) => number): Formula =>
  (operands) => {
    const doubles = operands.flatMap((operand) => (operand instanceof Double ? [operand.value] : []));
    return doubles.length === operands.length ? new Double(run(...doubles)) : undefined;
  };

const onIntegers =
  (run: (...operands: bigint[]) => bigint): Formula =>
  (operands) => {
    const integers = operands.flatMap((operand) => (isInteger(operand) ? [BigInt(operand)] : []));
    return integers.length === operands.length ? integerValue(run(...integers)) : undefined;
  };

const unsigned = (value: bigint): bigint => BigInt.asUintN(Number(BITS), value);

const foldedBits = (run: (a: bigint, b: bigint) => bigint): Formula => onIntegers((...all) => all.reduce(run));

const best =
  (better: (order: number) => boolean): Formula =>
  (operands) =>
    operands.reduce((chosen, each) => (better(compare(each, chosen)) ? each : chosen));

/** Place of the first bit of that value from the left, or from the right; -1 for none. */
const scan = (bits: bigint, value: bigint, fromRight: boolean): bigint => {
  const text = unsigned(bits).toString(2).padStart(Number(BITS), '0');
  return BigInt(fromRight ? text.lastIndexOf(String(value)) : text.indexOf(String(value)));
};

/** By code. */
export const ARITHMETIC: ReadonlyMap<number, Formula> = new Map<number, Formula>([
  [
    20,
    folded(
      (a, b) => a + b,
      (a, b) => a + b,
    ),
  ],
  [
    21,
    folded(
      (a, b) => a - b,
      (a, b) => a - b,
      [0n, 0],
    ),
  ],
  [
    22,
    folded(
      (a, b) => a * b,
      (a, b) => a * b,
    ),
  ],
  [
    23,
    folded(
      (a, b) => (b === 0n ? undefined : a / b),
      (a, b) => a / b,
      [1n, 1],
    ),
  ],
  [24, onDoubles((base, exponent) => base ** exponent)],
  [25, onDoubles((value, base) => Math.log(value) / Math.log(base))],
  [
    26,
    folded(
      (a, b) => (b === 0n ? undefined : a % b),
      (a, b) => a % b,
    ),
  ],
  [27, absolute],
  [28, onDoubles((value) => Math.floor(value))],
  [29, onDoubles((value) => Math.ceil(value))],
  [30, ([value]) => (value instanceof Double ? integerValue(BigInt(Math.trunc(value.value))) : value)],
  [31, ([value = null]) => (isInteger(value) ? new Double(Number(value)) : value)],
  [32, foldedBits((a, b) => a & b)],
  [33, foldedBits((a, b) => a | b)],
  [34, foldedBits((a, b) => a ^ b)],
  [35, onIntegers((value) => ~value)],
  [36, onIntegers((value, by) => value << by)],
  [37, onIntegers((value, by) => unsigned(value) >> by)],
  [38, onIntegers((value, by) => value >> by)],
  [39, onIntegers((value) => BigInt(unsigned(value).toString(2).replaceAll('0', '').length))],
  [40, ([bits = null, value]) => scanOf(bits, value, false)],
  [41, ([bits = null, value]) => scanOf(bits, value, true)],
  [50, best((order) => order < 0)],
  [51, best((order) => order > 0)],
]);

function absolute([value = null]: readonly Value[]): Value | undefined {
  if (value instanceof Double) return new Double(Math.abs(value.value));
  if (!isInteger(value)) return undefined;
  return value < 0 ? integerValue(-BigInt(value)) : value;
}

const scanOf = (bits: Value, value: Value | undefined, fromRight: boolean): Value | undefined =>
  isInteger(bits) ? Number(scan(BigInt(bits), value === true ? 1n : 0n, fromRight)) : undefined;
