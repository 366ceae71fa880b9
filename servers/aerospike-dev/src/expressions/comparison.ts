import { compare, equals, sameType } from '../msgpack/compare.ts';
import type { Value } from '../msgpack/values.ts';
import { ListValue, MapValue } from '../msgpack/values.ts';
import { CommandError, RESULT } from '../protocol/result-code.ts';

/** Works on evaluated operands; undefined is an unknown result. */
export type Formula = (operands: readonly Value[]) => Value | undefined;

/** Flags of a regular expression, as those of POSIX. */
const IGNORE_CASE = 2;
const NEWLINE = 8;

const ordered =
  (holds: (order: number) => boolean): Formula =>
  ([a = null, b = null]) =>
    sameType(a, b) ? holds(compare(a, b)) : undefined;

/** By code. */
export const COMPARISONS: ReadonlyMap<number, Formula> = new Map<number, Formula>([
  [1, ordered((order) => order === 0)],
  [2, ordered((order) => order !== 0)],
  [3, ordered((order) => order > 0)],
  [4, ordered((order) => order >= 0)],
  [5, ordered((order) => order < 0)],
  [6, ordered((order) => order <= 0)],
  [7, matchesRegex],
  [
    9,
    ([value = null, list]) => (list instanceof ListValue ? list.items.some((item) => equals(item, value)) : undefined),
  ],
  [101, ([map]) => (map instanceof MapValue ? new ListValue(map.entries.map(([key]) => key)) : undefined)],
  [102, ([map]) => (map instanceof MapValue ? new ListValue(map.entries.map(([, value]) => value)) : undefined)],
]);

function matchesRegex([flags, pattern, text]: readonly Value[]): boolean | undefined {
  if (typeof pattern !== 'string' || typeof text !== 'string') return undefined;
  const options = Number(flags ?? 0);
  const modifiers = `s${(options & IGNORE_CASE) === 0 ? '' : 'i'}${(options & NEWLINE) === 0 ? '' : 'm'}`;
  try {
    return new RegExp(pattern, modifiers).test(text);
  } catch (error) {
    throw new CommandError(RESULT.parameter, `a regular expression is wrong: ${String(error)}`);
  }
}
