import { CommandError, RESULT } from './result-code.ts';
import type { Message } from './message.ts';

export const OPERATION_HEADER_BYTES = 8;

/** Longest name of a bin in bytes. */
export const MAX_BIN_NAME_BYTES = 15;

/** What to do with one bin, or with the record where the name is empty. */
export interface Operation {
  readonly code: number;
  /** Name of the bin, one character a byte. */
  readonly name: string;
  /** Type of particle, and its bytes in place. */
  readonly type: number;
  readonly data: Buffer;
}

/** @throws CommandError for a bin name that is too long, or lengths that do not add up */
export function readOperations(message: Message): Operation[] {
  const { bytes, end } = message;
  const operations: Operation[] = [];
  let at = message.operationsAt;
  for (let index = 0; index < message.operationCount; index++) {
    const next = nextOperation(bytes, at, end);
    const dataAt = at + OPERATION_HEADER_BYTES + bytes[at + 7]!;
    operations.push({
      code: bytes[at + 4]!,
      type: bytes[at + 5]!,
      name: bytes.toString('latin1', at + OPERATION_HEADER_BYTES, dataAt),
      data: bytes.subarray(dataAt, next),
    });
    at = next;
  }
  return operations;
}

/** Where the operation at `at` ends. */
export function nextOperation(bytes: Buffer, at: number, end: number): number {
  if (at + OPERATION_HEADER_BYTES > end) throw new CommandError(RESULT.parameter, 'an operation is cut short');
  const next = at + 4 + bytes.readUInt32BE(at);
  const nameBytes = bytes[at + 7]!;
  if (next > end || at + OPERATION_HEADER_BYTES + nameBytes > next) {
    throw new CommandError(RESULT.parameter, 'the lengths in an operation do not add up');
  }
  if (nameBytes > MAX_BIN_NAME_BYTES) {
    throw new CommandError(
      RESULT.binName,
      `a bin name has ${nameBytes} bytes, at most ${MAX_BIN_NAME_BYTES} are allowed`,
    );
  }
  return next;
}
