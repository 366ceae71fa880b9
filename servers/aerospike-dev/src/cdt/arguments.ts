import { CommandError, RESULT } from '../protocol/result-code.ts';
import type { Value } from '../msgpack/values.ts';
import { ListValue, MapValue, isInteger } from '../msgpack/values.ts';

/** The parameters of an operation on a list, a map or bits. */
export class Arguments {
  readonly #values: readonly Value[];

  constructor(values: readonly Value[]) {
    this.#values = values;
  }

  get count(): number {
    return this.#values.length;
  }

  value(position: number): Value {
    const value = this.#values[position];
    if (value === undefined) throw wrong(`parameter ${position + 1} is missing`);
    return value;
  }

  integer(position: number): number {
    const value = this.value(position);
    if (!isInteger(value)) throw wrong(`parameter ${position + 1} is not an integer`);
    return Number(value);
  }

  long(position: number): bigint {
    const value = this.value(position);
    if (!isInteger(value)) throw wrong(`parameter ${position + 1} is not an integer`);
    return BigInt(value);
  }

  /** The integer, or `absent` where the client sent none. */
  optionalInteger(position: number, absent: number): number {
    return position < this.#values.length ? this.integer(position) : absent;
  }

  optionalValue(position: number): Value | undefined {
    return this.#values[position];
  }

  list(position: number): ListValue {
    const value = this.value(position);
    if (!(value instanceof ListValue)) throw wrong(`parameter ${position + 1} is not a list`);
    return value;
  }

  map(position: number): MapValue {
    const value = this.value(position);
    if (!(value instanceof MapValue)) throw wrong(`parameter ${position + 1} is not a map`);
    return value;
  }
}

export const wrong = (message: string): CommandError => new CommandError(RESULT.parameter, message);

export const notApplicable = (message: string): CommandError => new CommandError(RESULT.notApplicable, message);

export const incompatible = (message: string): CommandError => new CommandError(RESULT.incompatibleType, message);
