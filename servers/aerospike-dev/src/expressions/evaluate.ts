import type { Value } from '../msgpack/values.ts';
import { ListValue } from '../msgpack/values.ts';
import { CommandError, RESULT } from '../protocol/result-code.ts';
import { ARITHMETIC } from './arithmetic.ts';
import { callOperation } from './call.ts';
import { COMPARISONS } from './comparison.ts';
import type { EvaluationContext } from './context.ts';
import { METADATA } from './metadata.ts';
import type { Evaluated } from './unknown.ts';
import { UNKNOWN, nameOf } from './unknown.ts';

const CODE = {
  unknown: 0,
  and: 16,
  or: 17,
  not: 18,
  exclusive: 19,
  condition: 123,
  variable: 124,
  define: 125,
  quote: 126,
  call: 127,
} as const;

/** Evaluates expressions on one record. */
export class Evaluator {
  readonly context: EvaluationContext;
  readonly #variables = new Map<string, Evaluated>();

  constructor(context: EvaluationContext) {
    this.context = context;
  }

  /** @throws CommandError for an expression that is wrong, or not known here */
  evaluate(expression: Value): Evaluated {
    if (!(expression instanceof ListValue)) return expression;
    const [code, ...operands] = expression.items;
    if (typeof code !== 'number') throw new CommandError(RESULT.parameter, 'an expression has no code');
    switch (code) {
      case CODE.unknown:
        return UNKNOWN;
      case CODE.and:
        return this.#junction(operands, false);
      case CODE.or:
        return this.#junction(operands, true);
      case CODE.not:
        return this.#not(operands);
      case CODE.exclusive:
        return this.#exclusive(operands);
      case CODE.condition:
        return this.#condition(operands);
      case CODE.variable:
        return this.#variables.get(nameOf(operands[0])) ?? UNKNOWN;
      case CODE.define:
        return this.#define(operands);
      case CODE.quote:
        return operands[0] ?? null;
      case CODE.call:
        return callOperation((operand) => this.evaluate(operand), operands);
      default:
        return this.#apply(code, operands);
    }
  }

  #apply(code: number, operands: readonly Value[]): Evaluated {
    const metadata = METADATA.get(code);
    if (metadata !== undefined) return metadata(this.context, operands) ?? UNKNOWN;
    const run = COMPARISONS.get(code) ?? ARITHMETIC.get(code);
    if (run === undefined) {
      throw new CommandError(RESULT.unsupportedFeature, `aerospike-dev does not know the expression ${code}`);
    }
    const values: Value[] = [];
    for (const operand of operands) {
      const value = this.evaluate(operand);
      if (value === UNKNOWN) return UNKNOWN;
      values.push(value);
    }
    return run(values) ?? UNKNOWN;
  }

  /** True or false as soon as one operand decides it; unknown operands decide nothing. */
  #junction(operands: readonly Value[], deciding: boolean): Evaluated {
    let result: Evaluated = !deciding;
    for (const operand of operands) {
      const value = this.evaluate(operand);
      if (value === deciding) return deciding;
      if (value === UNKNOWN) result = UNKNOWN;
    }
    return result;
  }

  #not(operands: readonly Value[]): Evaluated {
    const value = this.evaluate(operands[0] ?? null);
    return value === UNKNOWN ? UNKNOWN : value !== true;
  }

  #exclusive(operands: readonly Value[]): Evaluated {
    const values = operands.map((operand) => this.evaluate(operand));
    return values.includes(UNKNOWN) ? UNKNOWN : values.filter((value) => value === true).length === 1;
  }

  /** Condition and value in turn, then the value of the other cases. */
  #condition(operands: readonly Value[]): Evaluated {
    for (let at = 0; at + 1 < operands.length; at += 2) {
      const condition = this.evaluate(operands[at]!);
      if (condition === UNKNOWN) return UNKNOWN;
      if (condition === true) return this.evaluate(operands[at + 1]!);
    }
    return this.evaluate(operands.at(-1) ?? null);
  }

  /** Name and value of variables in turn, then the expression that uses them. */
  #define(operands: readonly Value[]): Evaluated {
    for (let at = 0; at + 1 < operands.length; at += 2) {
      this.#variables.set(nameOf(operands[at]), this.evaluate(operands[at + 1]!));
    }
    return this.evaluate(operands.at(-1) ?? null);
  }
}
