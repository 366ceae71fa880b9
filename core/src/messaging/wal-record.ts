import { checkRecords } from '../check-records.ts';
import type { Message } from '../publisher.ts';
import { jsonText } from './json.ts';

type Fields = [value: Message['value'], key: string | null, headers: Readonly<Record<string, string>> | null];

/** A message as it stands in a write-ahead buffer. @throws INVALID_ARGUMENT, RECORD_TOO_LARGE */
export function recordOf({ value, key, headers }: Message): Uint8Array {
  const record = Buffer.from(jsonText([value, key ?? null, headers ?? null]));
  // The log would refuse all that go with it.
  checkRecords([{ value: record }], 1);
  return record;
}

export function messageOf(record: Uint8Array): Message {
  const [value, key, headers] = JSON.parse(Buffer.from(record).toString()) as Fields;
  return { value, ...(key === null ? {} : { key }), ...(headers === null ? {} : { headers }) };
}
