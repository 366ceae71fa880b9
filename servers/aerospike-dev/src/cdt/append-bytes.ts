/** Heads of a list: short, with two and with four bytes of length. */
const SHORT = 0x90;
const SHORT_END = 0xa0;
const LONG16 = 0xdc;
const LONG32 = 0xdd;

/** Head of the extension that stands first in an ordered list. */
const EXTENSION = 0xc7;

const APPEND = 1;

/** A list after an append, and how many elements it then has. */
export interface AppendedList {
  readonly bytes: Buffer;
  readonly count: number;
}

/**
 * Appends to an unordered list without decoding it, because that is what most appends are, and a long list takes long to
 * decode.
 *
 * @param call an operation on a list, encoded
 * @returns undefined for another list or operation
 */
export function appendToBytes(list: Buffer, call: Buffer): AppendedList | undefined {
  const item = appendedItem(call);
  const head = item === undefined ? undefined : readHead(list);
  if (item === undefined || head === undefined || list[head.end] === EXTENSION) return undefined;
  const count = head.count + 1;
  return { bytes: Buffer.concat([headOf(count), list.subarray(head.end), item]), count };
}

/** The value of an append, alone or with an order and flags that are both 0. */
function appendedItem(call: Buffer): Buffer | undefined {
  if (call[1] !== APPEND) return undefined;
  if (call[0] === SHORT + 2) return call.subarray(2);
  const isPlain = call[0] === SHORT + 4 && call.at(-1) === 0 && call.at(-2) === 0;
  return isPlain ? call.subarray(2, -2) : undefined;
}

function readHead(list: Buffer): { count: number; end: number } | undefined {
  const head = list[0] ?? 0;
  if (head >= SHORT && head < SHORT_END) return { count: head - SHORT, end: 1 };
  if (head === LONG16) return { count: list.readUInt16BE(1), end: 3 };
  return head === LONG32 ? { count: list.readUInt32BE(1), end: 5 } : undefined;
}

function headOf(count: number): Buffer {
  if (count < SHORT_END - SHORT) return Buffer.from([SHORT + count]);
  const head = Buffer.allocUnsafe(count < 0x10000 ? 3 : 5);
  head[0] = count < 0x10000 ? LONG16 : LONG32;
  head.writeUIntBE(count, 1, head.length - 1);
  return head;
}
