import { MillraceError } from '../errors.ts';

/**
 * The value as JSON text, for a connector's `encode`.
 *
 * @throws INVALID_ARGUMENT when it cannot be written as JSON (undefined, a function, a bigint, a cycle)
 */
export function jsonText(value: unknown): string {
  let cause: unknown;
  try {
    const json = JSON.stringify(value) as string | undefined;
    if (json !== undefined) return json;
  } catch (error) {
    cause = error;
  }
  const reason = cause instanceof Error ? cause.message : `it is ${typeof value}`;
  throw new MillraceError('INVALID_ARGUMENT', `the message's value cannot be written as JSON: ${reason}`, {
    field: 'value',
    accepted: 'a JSON value',
    cause,
  });
}
