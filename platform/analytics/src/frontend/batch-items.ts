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

/** Looked through in one go: a fraction of a millisecond. */
const SCAN_BYTES = 64 * 1024;

/**
 * A body that starts with `[` is a JSON array, any other one is lines; blank lines are counted and skipped. Gives
 * undefined where a long stretch holds no end of an item, so that the caller may let others have their turn.
 */
export function* splitItems(body: Buffer): Generator<BatchItem | undefined, void> {
  const start = yield* skipBlanks(body, 0);
  yield* body[start] === OPEN_BRACKET ? elements(body, start + 1) : lines(body);
}

function* lines(body: Buffer): Generator<BatchItem | undefined, void> {
  let number = 1;
  let pause = SCAN_BYTES;
  for (let at = 0; at < body.length;) {
    if (at >= pause) {
      pause = at + SCAN_BYTES;
      yield undefined;
    }
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
function* elements(body: Buffer, start: number): Generator<BatchItem | undefined, void> {
  let at = yield* skipBlanks(body, start);
  let number = 1;
  if (body[at] !== CLOSE_BRACKET) {
    for (; ; number++) {
      const to = yield* endOfElement(body, at);
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
  const after = yield* skipBlanks(body, at + 1);
  if (after < body.length) yield { number: number + 1, from: after, to: body.length, problem: 'text after the array' };
}

/** Place of the `,` or `]` that ends the element; the length of the body when there is none. */
function* endOfElement(body: Buffer, from: number): Generator<undefined, number> {
  let depth = 0;
  let isText = false;
  let pause = from + SCAN_BYTES;
  for (let at = from; at < body.length; at++) {
    if (at >= pause) {
      pause = at + SCAN_BYTES;
      yield undefined;
    }
    const byte = body[at]!;
    if (isText) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) isText = false;
    } else if (byte === QUOTE) isText = true;
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++;
    else if (depth === 0 && (byte === COMMA || byte === CLOSE_BRACKET)) return at;
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth--;
  }
  return body.length;
}

function* skipBlanks(body: Buffer, from: number): Generator<undefined, number> {
  let pause = from + SCAN_BYTES;
  for (let at = from; at < body.length; at++) {
    if (!isBlank(body[at]!)) return at;
    if (at < pause) continue;
    pause = at + SCAN_BYTES;
    yield undefined;
  }
  return body.length;
}

const isBlank = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
