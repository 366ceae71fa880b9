import type { JsonValue } from '../publisher.ts';

type JsonObject = { readonly [field: string]: JsonValue };

/**
 * Makes an object of whatever came in, and never throws: a JSON object is itself; any other JSON value, text that is no
 * JSON and bytes that are no text are wrapped, with their type's name as Python has it.
 *
 * @example
 * smartDeserialize('{"a":1}');   // { a: 1 }
 * smartDeserialize('[1]');       // { _raw_data: [1], _raw_type: 'list', _auto_packaged: true }
 * smartDeserialize('hello');     // { _raw_data: 'hello', _raw_type: 'string', _auto_packaged: true, _original_format: 'plain_text' }
 */
export function smartDeserialize(raw: string | Uint8Array | null): JsonObject {
  if (raw === null) return { _raw_data: null, _raw_type: 'null', _auto_packaged: true };
  const text = textOf(raw);
  if (text === undefined) {
    const hex = Buffer.from(raw as Uint8Array).toString('hex');
    return { _raw_data: hex, _raw_type: 'bytes', _auto_packaged: true, _error: 'not valid UTF-8' };
  }
  const parsed = parse(text);
  if (parsed === undefined) {
    return { _raw_data: text, _raw_type: 'string', _auto_packaged: true, _original_format: 'plain_text' };
  }
  if (isObject(parsed)) return parsed;
  return { _raw_data: parsed, _raw_type: pythonType(parsed), _auto_packaged: true };
}

/** The JSON value as it is; what is no JSON as `smartDeserialize` wraps it. */
export function plainDeserialize(raw: string | Uint8Array): JsonValue {
  const text = textOf(raw);
  const parsed = text === undefined ? undefined : parse(text);
  return parsed === undefined ? smartDeserialize(raw) : parsed;
}

export interface PackagingOptions {
  readonly wrapperKey: string;
  readonly addMetadata: boolean;
  readonly subscriber: string;
  readonly source: string;
}

/** Wraps what is no object, so that whoever works on it always gets an object. */
export function autoPackage(
  value: JsonValue,
  { wrapperKey, addMetadata, subscriber, source }: PackagingOptions,
): JsonObject {
  if (isObject(value)) return value;
  const metadata = {
    subscriber_name: subscriber,
    source,
    received_at: new Date().toISOString(),
    packaging_version: '1.0',
  };
  return {
    [wrapperKey]: value,
    _packaged: true,
    _original_type: pythonType(value),
    _dag_priority: 5,
    ...(addMetadata ? { _metadata: metadata } : {}),
  };
}

function pythonType(value: JsonValue): string {
  if (value === null) return 'NoneType';
  if (typeof value === 'string') return 'str';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float';
  return Array.isArray(value) ? 'list' : 'dict';
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

/** Undefined when the bytes are no UTF-8. */
function textOf(raw: string | Uint8Array): string | undefined {
  if (typeof raw === 'string') return raw;
  try {
    return strictUtf8.decode(raw);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** Undefined when the text is no JSON. */
function parse(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
