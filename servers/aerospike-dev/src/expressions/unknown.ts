import type { Value } from '../msgpack/values.ts';
import { CommandError, RESULT } from '../protocol/result-code.ts';

/** What an expression is worth that depends on a bin that is not there, or is of another type. */
export const UNKNOWN = Symbol('unknown');

export type Evaluated = Value | typeof UNKNOWN;

/** The name of a bin or a variable in an expression. */
export function nameOf(value: Value | undefined): string {
  if (typeof value === 'string') return value;
  throw new CommandError(RESULT.parameter, 'a name in an expression is not a text');
}
