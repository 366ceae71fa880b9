import { isUtf8 } from 'node:buffer';
import { MillraceError } from '@millrace/core';
import { Compile } from 'typebox/compile';
import type { UserTag } from '../tag.ts';
import { MAX_TEXT_BYTES, UserTagSchema, type UserTagBody } from './schemas.ts';
import { parseTagTime } from './time.ts';

const checker = Compile(UserTagSchema);
const REPLACEMENT = '\ufffd';
/** The most bytes of UTF-8 that one UTF-16 unit can become. */
const BYTES_PER_UNIT = 3;

/**
 * The tag that the bytes [from, to) are the JSON of.
 *
 * @param latest the latest time that is accepted, milliseconds
 * @throws INVALID_JSON, INVALID_TAG, TIME_IN_FUTURE
 */
export function parseTag(bytes: Buffer, from: number, to: number, latest: number): UserTag {
  const text = bytes.toString('utf8', from, to);
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    throw invalidJson(`the body is not JSON: ${(error as Error).message}`, text);
  }
  // Only text that has this character can have come from bytes that are no UTF-8; most text has it nowhere.
  if (text.includes(REPLACEMENT) && !isUtf8(bytes.subarray(from, to))) {
    throw invalidJson('the body is not UTF-8', text);
  }
  return toTag(body, latest);
}

function toTag(body: unknown, latest: number): UserTag {
  if (!checker.Check(body)) throw explain(body);
  const { product_info: product } = body;
  const time = parseTagTime(body.time);
  if (time === undefined || time < 0) throw invalid('time', body.time);
  if (time > latest) {
    throw new MillraceError('TIME_IN_FUTURE', 'time lies too far ahead of the clock of the server', {
      field: 'time',
      value: body.time,
      accepted: `at most ${new Date(latest).toISOString()}`,
    });
  }
  if (!fits(body.cookie)) throw invalid('cookie', body.cookie);
  if (!fits(body.country)) throw invalid('country', body.country);
  if (!fits(body.origin)) throw invalid('origin', body.origin);
  if (!fits(product.brand_id)) throw invalid('product_info.brand_id', product.brand_id);
  if (!fits(product.category_id)) throw invalid('product_info.category_id', product.category_id);
  if (typeof product.product_id === 'string' && !fits(product.product_id)) {
    throw invalid('product_info.product_id', product.product_id);
  }
  return {
    time,
    cookie: body.cookie,
    country: body.country,
    device: body.device,
    action: body.action,
    origin: body.origin,
    productId: product.product_id,
    brandId: product.brand_id,
    categoryId: product.category_id,
    price: product.price,
  };
}

/** The schema counts characters, the limit is bytes; and half a surrogate pair would come back as another character. */
const fits = (text: string): boolean =>
  (text.length * BYTES_PER_UNIT <= MAX_TEXT_BYTES || Buffer.byteLength(text) <= MAX_TEXT_BYTES) && text.isWellFormed();

/** What is wrong with a body that the check has refused: the first field, in the order of the schema. */
function explain(body: unknown): MillraceError {
  for (const { instancePath, keyword, params } of checker.Errors(body)) {
    const path = instancePath.split('/').slice(1);
    if (keyword !== 'required') return invalid(path.join('.'), valueAt(body, path));
    const [missing = ''] = params.requiredProperties;
    return invalid([...path, missing].join('.'), undefined);
  }
  return invalid('', body);
}

function valueAt(body: unknown, path: readonly string[]): unknown {
  let value = body;
  for (const name of path) value = (value as Record<string, unknown>)[name];
  return value;
}

/** `field` is empty for the body as a whole. */
function invalid(field: string, value: unknown): MillraceError {
  const accepted = acceptedForm(field);
  const subject = field === '' ? 'the body' : field;
  const message = value === undefined ? `${subject} is missing` : `${subject} must be ${accepted}`;
  return new MillraceError('INVALID_TAG', message, {
    ...(field !== '' && { field }),
    ...(value !== undefined && { value }),
    accepted,
  });
}

/** The description of the field in the schema. */
function acceptedForm(field: string): string {
  let schema = UserTagSchema as SchemaNode;
  for (const name of field === '' ? [] : field.split('.')) schema = schema.properties?.[name] ?? schema;
  return schema.description ?? '';
}

interface SchemaNode {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
}

function invalidJson(message: string, text: string): MillraceError {
  return new MillraceError('INVALID_JSON', message, { value: text, accepted: 'a user tag as a JSON object in UTF-8' });
}

/** A tag as it is answered: the opposite of {@link parseTag}, in the documented order of the fields. */
export function toBody(tag: UserTag, time: string): UserTagBody {
  return {
    time,
    cookie: tag.cookie,
    country: tag.country,
    device: tag.device,
    action: tag.action,
    origin: tag.origin,
    product_info: {
      product_id: tag.productId,
      brand_id: tag.brandId,
      category_id: tag.categoryId,
      price: tag.price,
    },
  };
}
