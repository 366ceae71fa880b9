import { MillraceError } from '@millrace/core';
import type { Message } from '@millrace/core';

/**
 * A message on its way: JSON text, so that everyone who receives it gets a copy of their own, and the same values come
 * out that would come out of a connector with a network in between.
 */
export interface MessageText {
  readonly key?: string;
  readonly json: string;
}

/** @throws INVALID_ARGUMENT when the value is no JSON value */
export function encodeMessage({ key, value }: Message): MessageText {
  const json = stringify(value);
  return key === undefined ? { json } : { key, json };
}

export function decodeMessage({ key, json }: MessageText): Message {
  const value = JSON.parse(json) as Message['value'];
  return key === undefined ? { value } : { key, value };
}

function stringify(value: unknown): string {
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
