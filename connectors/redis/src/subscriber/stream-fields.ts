import type { Received } from '@millrace/core';

/** An entry as the driver gives it: ID, and its fields and values in turn; null for one that was deleted. */
export type StreamEntry = readonly [id: Buffer, fields: readonly Buffer[] | null];

const [DATA, KEY, HEADERS] = ['data', 'key', 'headers'].map((name) => Buffer.from(name));

/** A message from the fields that our publishers write; of other entries, all fields as one object. */
export function receivedFrom(id: string, fields: readonly Buffer[]): Received {
  let data: Buffer | undefined;
  let key: Buffer | undefined;
  let headers: Buffer | undefined;
  // Names are compared as bytes: this runs for every message, and a text for each name costs more than the rest.
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i]!;
    if (name.equals(DATA!)) data = fields[i + 1];
    else if (name.equals(KEY!)) key = fields[i + 1];
    else if (name.equals(HEADERS!)) headers = fields[i + 1];
  }
  if (data === undefined) return { body: JSON.stringify(asObject(fields)), token: id };
  const known = headers === undefined ? undefined : headersFrom(headers.toString('utf8'));
  if (known !== undefined) {
    return { ...(key === undefined ? {} : { key: key.toString('utf8') }), headers: known, body: data, token: id };
  }
  return key === undefined ? { body: data, token: id } : { key: key.toString('utf8'), body: data, token: id };
}

function asObject(fields: readonly Buffer[]): Record<string, string> {
  const texts = fields.map((field) => field.toString('utf8'));
  return Object.fromEntries(texts.flatMap((name, i) => (i % 2 === 0 ? [[name, texts[i + 1] ?? '']] : [])));
}

/** Undefined for what is no object of texts: then it was not written by us, and is nothing to fail for. */
function headersFrom(text: string): Record<string, string> | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const texts = Object.entries(parsed).filter(([, value]) => typeof value === 'string');
  return Object.fromEntries(texts);
}
