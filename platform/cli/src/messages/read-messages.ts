import { createInterface } from 'node:readline';
import { KEY_FIELD, messageFrom, MillraceError } from '@millrace/core';
import type { JsonValue, Message } from '@millrace/core';

export interface MessageFormat {
  /** Lines are objects with `value`, and `key` and `headers` where there are any. */
  readonly keys: boolean;
  /** Lines are texts, and no JSON. */
  readonly text: boolean;
  /** Of messages that have none. */
  readonly key: string | undefined;
}

/** The messages of a stream of lines; empty lines are passed over. @throws INVALID_JSON naming the line */
export async function* readMessages(
  input: NodeJS.ReadableStream,
  format: MessageFormat,
  signal: AbortSignal,
): AsyncGenerator<Message> {
  const lines = createInterface({ input, crlfDelay: Infinity, signal });
  let number = 0;
  for await (const line of lines) {
    number++;
    if (line !== '') yield parseMessage(line, format, `line ${number}`);
  }
}

/** @throws INVALID_JSON */
export function parseMessage(line: string, { keys, text, key }: MessageFormat, where: string): Message {
  const value = text ? line : parse(line, where);
  const message = keys ? messageIn(value, where) : messageFrom(value, KEY_FIELD);
  return message.key === undefined && key !== undefined ? { ...message, key } : message;
}

function parse(line: string, where: string): JsonValue {
  try {
    return JSON.parse(line) as JsonValue;
  } catch (cause) {
    const message = `${where} is no JSON: write one value per line, or use --text`;
    throw new MillraceError('INVALID_JSON', message, { field: where, cause });
  }
}

function messageIn(value: JsonValue, where: string): Message {
  const fits =
    typeof value === 'object' &&
    value !== null &&
    'value' in value &&
    ['string', 'undefined'].includes(typeof value['key']);
  if (fits) return value as unknown as Message;
  const accepted = 'an object with value, and a key that is a text where there is one';
  throw new MillraceError('INVALID_JSON', `${where} is not ${accepted}`, { field: where, accepted });
}
