import type { Received } from '@millrace/core';

/** An entry as the driver gives it: ID, and its fields and values in turn; null for one that was deleted. */
export type StreamEntry = readonly [id: Buffer, fields: readonly Buffer[] | null];

/** A message from the fields that our publishers write; of other entries, all fields as one object. */
export function receivedFrom(id: string, fields: readonly Buffer[]): Received {
  const found: Record<string, Buffer> = {};
  for (let i = 0; i + 1 < fields.length; i += 2) found[fields[i]!.toString('utf8')] = fields[i + 1]!;
  const { data, key, headers } = found;
  if (data === undefined) {
    const texts = Object.entries(found).map(([name, value]) => [name, value.toString('utf8')]);
    return { body: JSON.stringify(Object.fromEntries(texts)), token: id };
  }
  const parsed = headers === undefined ? undefined : headersFrom(headers.toString('utf8'));
  return {
    body: data,
    token: id,
    ...(key === undefined ? {} : { key: key.toString('utf8') }),
    ...(parsed === undefined ? {} : { headers: parsed }),
  };
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
