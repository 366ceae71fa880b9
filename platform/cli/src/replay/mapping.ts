import { MillraceError, nearestSpelling } from '@millrace/core';
import { parseEventTime } from './time.ts';

/** The fields of a user tag, as `--map` and `--set` name them. */
export const TAG_FIELDS = [
  'time',
  'cookie',
  'country',
  'device',
  'action',
  'origin',
  'product_id',
  'brand_id',
  'category_id',
  'price',
] as const;
export type TagField = (typeof TAG_FIELDS)[number];

export interface Mapping {
  /** The column or property that a field is taken from; others come from the one with their own name. */
  readonly columns: ReadonlyMap<TagField, string>;
  /** Fields with the same text in every tag. */
  readonly constants: ReadonlyMap<TagField, string>;
}

/** Makes user tags of records that look different. */
export interface TagMapper {
  /** The tag as JSON. @throws INVALID_TAG when a field is missing or cannot be converted */
  tag(record: unknown): string;
  /** Event time, milliseconds; undefined when there is none. */
  time(record: unknown): number | undefined;
}

/** `cookie=household_id`, one per line. @throws INVALID_OPTION */
export function parsePairs(flag: string, text: string | undefined): Map<TagField, string> {
  const pairs = new Map<TagField, string>();
  for (const pair of text === undefined ? [] : text.split('\n')) {
    const at = pair.indexOf('=');
    const field = pair.slice(0, Math.max(at, 0));
    if (at > 0 && isTagField(field)) {
      pairs.set(field, pair.slice(at + 1));
      continue;
    }
    const accepted = `<field>=<${flag === '--map' ? 'column' : 'value'}>, with a field of ${TAG_FIELDS.join(', ')}`;
    const nearest = at > 0 ? nearestSpelling(field, TAG_FIELDS) : undefined;
    const hint = nearest === undefined ? '' : `: did you mean ${nearest}?`;
    throw new MillraceError('INVALID_OPTION', `${flag}: ${JSON.stringify(pair)} is not ${accepted}${hint}`, {
      field: flag,
      value: pair,
      accepted,
    });
  }
  return pairs;
}

const isTagField = (text: string): text is TagField => (TAG_FIELDS as readonly string[]).includes(text);

/** @param valueOf the value in a column of a record; undefined when it has none */
export function createMapper(
  { columns, constants }: Mapping,
  valueOf: (record: unknown, column: string) => unknown,
): TagMapper {
  const get = (record: unknown, field: TagField): unknown =>
    constants.get(field) ?? valueOf(record, columns.get(field) ?? field);
  const need = (record: unknown, field: TagField): unknown => {
    const value = get(record, field);
    if (value !== undefined && value !== null) return value;
    const column = columns.get(field) ?? field;
    throw invalid(field, `${field} is missing: there is no ${column}; name one with --map ${field}=..., or --set it`);
  };
  const text = (record: unknown, field: TagField): string => {
    const value = need(record, field);
    return typeof value === 'string' ? value : JSON.stringify(value);
  };
  const time = (record: unknown): number | undefined => parseEventTime(get(record, 'time'));
  return {
    time,
    tag(record) {
      need(record, 'time');
      const ms = time(record);
      if (ms === undefined) throw invalid('time', `time ${JSON.stringify(get(record, 'time'))} is no time`);
      const product = need(record, 'product_id');
      return JSON.stringify({
        time: new Date(ms).toISOString(),
        cookie: text(record, 'cookie'),
        country: text(record, 'country'),
        device: text(record, 'device'),
        action: text(record, 'action'),
        origin: text(record, 'origin'),
        product_info: {
          product_id: typeof product === 'number' ? product : text(record, 'product_id'),
          brand_id: text(record, 'brand_id'),
          category_id: text(record, 'category_id'),
          price: priceOf(need(record, 'price')),
        },
      });
    },
  };
}

function priceOf(value: unknown): number {
  const price = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (Number.isInteger(price)) return price as number;
  throw invalid('price', `price ${JSON.stringify(value)} is no whole number: give it in the smallest unit, as cents`);
}

const invalid = (field: string, message: string): MillraceError => new MillraceError('INVALID_TAG', message, { field });

/** A property of a JSON object, also of one inside: `user.id`. In a user tag the product's fields are found, too. */
export function propertyOf(record: unknown, path: string): unknown {
  if (!isObject(record)) return undefined;
  if (Object.hasOwn(record, path)) return record[path];
  let value: unknown = record;
  for (const name of path.split('.')) value = isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  if (value !== undefined || path.startsWith('product_info.')) return value;
  return propertyOf(record.product_info, path);
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
