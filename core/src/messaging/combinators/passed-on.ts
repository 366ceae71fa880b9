import { jsonText } from '../json.ts';
import type { JsonValue, Message } from '../../publisher.ts';
import type { Encoded } from '../sink.ts';

/** A message for other publishers, as it was when it was published. */
export interface PassedOn extends Encoded {
  readonly message: Message;
}

/** What an object with its key takes beside the text, about. */
const OVERHEAD_BYTES = 128;

/** @throws INVALID_ARGUMENT when the value is no JSON */
export function passedOn({ value, headers, ...message }: Message): PassedOn {
  const text = jsonText(value);
  // A copy: the caller may change its value before the message goes.
  const copy = typeof value === 'object' ? (JSON.parse(text) as JsonValue) : value;
  return {
    bytes: text.length * 2 + OVERHEAD_BYTES,
    message: { ...message, value: copy, ...(headers === undefined ? {} : { headers: { ...headers } }) },
  };
}
