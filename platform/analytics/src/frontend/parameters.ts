import { MillraceError, nearestSpelling } from '@millrace/core';
import type { FastifyRequest } from 'fastify';
import type { Parameter } from './route.ts';

const INTEGER = /^[+-]?\d{1,10}$/;
const INT32_MAX = 2 ** 31 - 1;
const INT32_MIN = -(2 ** 31);

export interface IntegerBounds {
  readonly min?: number;
  readonly max?: number;
}

/** Single-valued parameters take the first value when they are repeated. An empty value is a value. */
export interface Query {
  text(name: string): string | undefined;
  /** @throws MISSING_PARAMETER */
  required(name: string): string;
  /** All values, in the order of the query. */
  all(name: string): readonly string[];
  /** @throws INVALID_PARAMETER */
  integer(name: string, fallback: number, bounds?: IntegerBounds): number;
}

/**
 * The query of a request.
 *
 * @throws INVALID_PARAMETER for a name that the route does not know: ignoring `brand` where `brand_id` was meant would
 * answer with the wrong figures.
 */
export function readQuery(request: FastifyRequest, parameters: readonly Parameter[]): Query {
  const given = request.query as URLSearchParams;
  const known = parameters.filter((parameter) => parameter.in === 'query');
  for (const name of given.keys()) {
    if (!known.some((parameter) => parameter.name === name)) throw unknownParameter(name, known);
  }
  const text = (name: string): string | undefined => given.get(name) ?? undefined;
  return {
    text,
    all: (name) => given.getAll(name),
    required(name) {
      const value = text(name);
      if (value !== undefined) return value;
      const description = known.find((parameter) => parameter.name === name)!.description;
      throw new MillraceError('MISSING_PARAMETER', `${name} is missing`, { field: name, accepted: description });
    },
    integer(name, fallback, { min = INT32_MIN, max = INT32_MAX } = {}) {
      const value = text(name);
      if (value === undefined) return fallback;
      const number = INTEGER.test(value) ? Number(value) : Number.NaN;
      if (number >= min && number <= max) return number;
      throw invalidParameter(name, value, `an integer from ${min} to ${max}`);
    },
  };
}

export function invalidParameter(field: string, value: string, accepted: string): MillraceError {
  return new MillraceError('INVALID_PARAMETER', `${field} must be ${accepted}`, { field, value, accepted });
}

function unknownParameter(name: string, known: readonly Parameter[]): MillraceError {
  const names = known.map((parameter) => parameter.name);
  const nearest = nearestSpelling(name, names) ?? names.find((candidate) => candidate.startsWith(`${name}_`));
  const hint = nearest === undefined ? '' : `: did you mean ${nearest}?`;
  return new MillraceError('INVALID_PARAMETER', `there is no parameter ${name} here${hint}`, {
    field: name,
    accepted: names.length === 0 ? 'no parameters' : names.join(', '),
  });
}

/** `+` and `%20` are blanks; a name may be repeated. */
export const parseQuery = (text: string): URLSearchParams => new URLSearchParams(text);
