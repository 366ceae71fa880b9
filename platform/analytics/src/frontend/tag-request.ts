/**
 * Recognises the one request that arrives for every tag, so that it needs no general HTTP parser. It is recognised only
 * where nothing needs interpreting: a message of RFC 9112 in its plainest form, with a length, without transfer coding,
 * folded lines or a second field of a name that matters. Everything else is for Node's parser, right or wrong.
 */

export const TAGS_PATH = '/user_tags';

const REQUEST_LINE = `POST ${TAGS_PATH} HTTP/1.1\r\n`;
const END_OF_HEAD = '\r\n\r\n';
const MAX_HEAD_BYTES = 2048;

/**
 * Names are tokens and values visible text (RFC 9110, sections 5.5 and 5.6.2): nothing can hide in them. Without a0, the
 * no-break space: JavaScript would trim it, HTTP does not.
 */
const FIELDS = /^(?:[\w!#$%&'*+.^`|~-]+:[\t\x20-\x7e\x80-\x9f\xa1-\xff]*\r\n)+$/;
const JSON_TYPE = /^application\/json(?:; ?charset=utf-8)?$/i;
const LENGTH = /^\d{1,5}$/;

/** Fields that change how a message is framed or read, or what becomes of its connection. */
const FOR_THE_PARSER: ReadonlySet<string> = new Set([
  'transfer-encoding',
  'content-encoding',
  'expect',
  'upgrade',
  'trailer',
  'proxy-connection',
]);

export interface TagRequest {
  /** Place of the body: [from, to). `to` may lie beyond what has arrived. */
  readonly from: number;
  readonly to: number;
  readonly idempotencyKey: string | undefined;
}

/**
 * The request that the bytes begin with; `incomplete` while its head may still become one; undefined when it cannot.
 *
 * @example
 * recognise(Buffer.from('POST /user_tags HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}'));
 * // { from: 87, to: 89, idempotencyKey: undefined }
 */
export function recognise(bytes: Buffer): TagRequest | 'incomplete' | undefined {
  const text = bytes.toString('latin1', 0, MAX_HEAD_BYTES);
  if (!text.startsWith(REQUEST_LINE)) return REQUEST_LINE.startsWith(text) ? 'incomplete' : undefined;
  const end = text.indexOf(END_OF_HEAD, REQUEST_LINE.length - 2);
  if (end < 0) return text.length < MAX_HEAD_BYTES ? 'incomplete' : undefined;
  return readFields(text.slice(REQUEST_LINE.length, end + 2), end + END_OF_HEAD.length);
}

function readFields(fields: string, from: number): TagRequest | undefined {
  if (!FIELDS.test(fields)) return undefined;
  let host: string | undefined;
  let type: string | undefined;
  let length: string | undefined;
  let idempotencyKey: string | undefined;
  for (let at = 0; at < fields.length;) {
    const colon = fields.indexOf(':', at);
    const end = fields.indexOf('\r\n', colon);
    const name = fields.slice(at, colon).toLowerCase();
    const value = (): string => fields.slice(colon + 1, end).trim();
    at = end + 2;
    switch (name) {
      case 'host':
        if (host !== undefined) return undefined;
        host = value();
        break;
      case 'content-type':
        if (type !== undefined) return undefined;
        type = value();
        break;
      case 'content-length':
        if (length !== undefined) return undefined;
        length = value();
        break;
      case 'idempotency-key':
        if (idempotencyKey !== undefined) return undefined;
        idempotencyKey = value();
        break;
      case 'connection':
        if (value().toLowerCase() !== 'keep-alive') return undefined;
        break;
      default:
        if (FOR_THE_PARSER.has(name)) return undefined;
    }
  }
  if (host === undefined || type === undefined || length === undefined) return undefined;
  if (!JSON_TYPE.test(type) || !LENGTH.test(length)) return undefined;
  return { from, to: from + Number(length), idempotencyKey };
}
