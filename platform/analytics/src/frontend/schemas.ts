import { Type, type Static } from 'typebox';
import { ACTIONS, DEVICES } from '../tag.ts';

/** What is read and answered over HTTP. One definition serves the checks and the published OpenAPI document. */

export const MAX_TEXT_BYTES = 4096;

const text = (description: string, minLength = 0) => Type.String({ minLength, maxLength: MAX_TEXT_BYTES, description });

/** `description` is the accepted form that an error names. */
export const UserTagSchema = Type.Object(
  {
    time: Type.String({
      description: 'a UTC time of 1970 or later as yyyy-MM-ddTHH:mm:ss.SSSZ or yyyy-MM-ddTHH:mm:ssZ',
      examples: ['2022-03-22T12:15:00.000Z'],
    }),
    cookie: text('a string of 1 to 4096 bytes of UTF-8', 1),
    country: text('a string of at most 4096 bytes of UTF-8'),
    device: Type.Enum([...DEVICES], { description: 'PC, TV or MOBILE, in capitals' }),
    action: Type.Enum([...ACTIONS], { description: 'VIEW or BUY, in capitals' }),
    origin: text('a string of at most 4096 bytes of UTF-8'),
    product_info: Type.Object(
      {
        product_id: Type.Union(
          [
            Type.String({ maxLength: MAX_TEXT_BYTES }),
            Type.Integer({ minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER }),
          ],
          { description: 'a string of at most 4096 bytes of UTF-8, or an integer within +-(2^53 - 1)' },
        ),
        brand_id: text('a string of at most 4096 bytes of UTF-8'),
        category_id: text('a string of at most 4096 bytes of UTF-8'),
        price: Type.Integer({
          minimum: -2_147_483_648,
          maximum: 2_147_483_647,
          description: 'an integer from -2147483648 to 2147483647',
        }),
      },
      { description: 'an object with product_id, brand_id, category_id and price' },
    ),
  },
  { description: 'a user tag: an object with time, cookie, country, device, action, origin and product_info' },
);

export type UserTagBody = Static<typeof UserTagSchema>;

export const UserProfileSchema = Type.Object({
  cookie: Type.String(),
  views: Type.Array(UserTagSchema, { description: 'newest first' }),
  buys: Type.Array(UserTagSchema, { description: 'newest first' }),
});

export const AggregatesSchema = Type.Object({
  columns: Type.Array(Type.String()),
  rows: Type.Array(Type.Array(Type.String()), { description: 'every value is a string, in the order of the columns' }),
  truncated: Type.Optional(
    Type.Boolean({ description: 'with group_by only: whether there are more groups than the limit' }),
  ),
});

export const ErrorSchema = Type.Object({
  error: Type.Object({
    code: Type.String({ description: 'stable: match on it' }),
    message: Type.String({ description: 'for a person: what is wrong and what to do' }),
    field: Type.Optional(Type.String({ description: 'the parameter or field that is wrong' })),
    value: Type.Optional(Type.Unknown({ description: 'what it was, shortened to 100 characters' })),
    accepted: Type.Optional(Type.String({ description: 'what would be accepted' })),
  }),
});

export type ErrorAnswer = Static<typeof ErrorSchema>;

export const BatchResultSchema = Type.Object({
  accepted: Type.Integer({ description: 'tags that are durable now' }),
  rejected: Type.Array(
    Type.Object({
      line: Type.Integer({ description: 'line of the body, or element of the array, counted from 1' }),
      error: ErrorSchema.properties.error,
    }),
    { description: 'at most the first 1,000' },
  ),
  rejectedCount: Type.Integer({ description: 'how many were rejected in all' }),
  stoppedAt: Type.Optional(
    Type.Integer({ description: 'set after 100,000 rejected tags: nothing after this line was read' }),
  ),
});

export type BatchResult = Static<typeof BatchResultSchema>;

export const ReadySchema = Type.Object({ ready: Type.Boolean() });

export const DeadLetterSchema = Type.Object({
  id: Type.String({ description: '<partition>-<offset>' }),
  partition: Type.Integer(),
  offset: Type.Integer(),
  appendedAt: Type.String({ description: 'when it entered the log, UTC' }),
  code: Type.String(),
  reason: Type.String(),
  key: Type.Union([Type.String(), Type.Null()]),
  value: Type.String({ description: 'the record, base64' }),
});

export type DeadLetterAnswer = Static<typeof DeadLetterSchema>;

export const DeadLettersSchema = Type.Object({
  deadLetters: Type.Array(DeadLetterSchema),
  next: Type.Optional(Type.String({ description: 'ask again with after=<next>; absent at the end' })),
});

export const RetrySchema = Type.Object({ id: Type.String(), partition: Type.Integer(), offset: Type.Integer() });
