/** One tag of a batch: its place in the body. */
export interface BatchItem {
  /** Line, or element of the array, counted from 1. */
  readonly number: number;
  /** The bytes [from, to). */
  readonly from: number;
  readonly to: number;
  /** Set when the place holds no tag: what is wrong with the form of the batch there. */
  readonly problem?: string;
}

const LINE_FEED = 0x0a;
const COMMA = 0x2c;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** A body that starts with `[` is a JSON array, any other one is lines; blank lines are counted and skipped. */
export function splitItems(body: Buffer): Iterable<BatchItem> {
  const start = skipBlanks(body, 0);
  return body[start] === OPEN_BRACKET ? elements(body, start + 1) : lines(body);
}

function* lines(body: Buffer): Generator<BatchItem> {
  let number = 1;
  for (let at = 0; at < body.length;) {
    const byte = body[at]!;
    if (isBlank(byte)) {
      if (byte === LINE_FEED) number++;
      at++;
      continue;
    }
    const end = body.indexOf(LINE_FEED, at);
    const to = end < 0 ? body.length : end;
    yield { number, from: at, to };
    at = to;
  }
}

/** Finds where elements end without parsing them, so that a large array is parsed in parts. */
function* elements(body: Buffer, start: number): Generator<BatchItem> {
  let at = skipBlanks(body, start);
  let number = 1;
  if (body[at] !== CLOSE_BRACKET) {
    for (; ; number++) {
      const to = endOfElement(body, at);
      if (to >= body.length) {
        yield { number, from: at, to, problem: 'the array ends in the middle: "]" is missing' };
        return;
      }
      yield { number, from: at, to };
      at = to;
      if (body[at] === CLOSE_BRACKET) break;
      at++;
    }
  }
  const after = skipBlanks(body, at + 1);
  if (after < body.length) yield { number: number + 1, from: after, to: body.length, problem: 'text after the array' };
}

/** Place of the `,` or `]` that ends the element; the length of the body when there is none. */
function endOfElement(body: Buffer, from: number): number {
  let depth = 0;
  for (let at = from; at < body.length; at++) {
    const byte = body[at]!;
    if (byte === QUOTE) at = endOfString(body, at + 1);
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++;
    else if (depth === 0 && (byte === COMMA || byte === CLOSE_BRACKET)) return at;
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth--;
  }
  return body.length;
}

/** Place of the closing quote. */
function endOfString(body: Buffer, from: number): number {
  for (let at = from; at < body.length; at++) {
    const byte = body[at]!;
    if (byte === QUOTE) return at;
    if (byte === BACKSLASH) at++;
  }
  return body.length;
}

function skipBlanks(body: Buffer, from: number): number {
  let at = from;
  while (at < body.length && isBlank(body[at]!)) at++;
  return at;
}

const isBlank = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
