import { INFO2, INFO3, OPERATION, PARTICLE } from '../protocol/constants.ts';
import type { Message } from '../protocol/message.ts';
import type { Operation } from '../protocol/operation.ts';
import { CommandError, RESULT } from '../protocol/result-code.ts';

/** Operations that change nothing. */
export const READ_OPERATIONS: ReadonlySet<number> = new Set([
  OPERATION.read,
  OPERATION.cdtRead,
  OPERATION.bitRead,
  OPERATION.expressionRead,
  OPERATION.hllRead,
]);

/** Operations of which each has an answer of its own, which does not go together with the answer of all bins. */
const ANSWERING: ReadonlySet<number> = new Set([...READ_OPERATIONS, OPERATION.cdtModify, OPERATION.hllModify]);

const isReadAll = ({ code, name }: Operation): boolean => code === OPERATION.read && name === '';

export const replaces = (message: Message): boolean =>
  (message.info3 & (INFO3.createOrReplace | INFO3.replaceOnly)) !== 0;

/** Whether the write takes only a record that exists: by its policy, or because it has a touch. */
export const mustNotCreate = (message: Message, operations: readonly Operation[]): boolean =>
  (message.info3 & (INFO3.updateOnly | INFO3.replaceOnly)) !== 0 ||
  operations.some(({ code }) => code === OPERATION.touch);

/**
 * What is wrong with the operations of a write whatever the record is: `write_master_policies` of the server (8.1,
 * `as/src/transaction/write.c`).
 *
 * @throws CommandError for operations that do not go together, or with the replacement of the record
 */
export function checkOperations(message: Message, operations: readonly Operation[]): void {
  if (replaces(message) && operations.some(buildsOnRecord)) {
    throw new CommandError(RESULT.parameter, 'an operation builds on the record that the write replaces');
  }
  const readsOfAll = operations.filter(isReadAll).length;
  if (readsOfAll === 0) return;
  const respondsAll = (message.info2 & INFO2.respondAllOperations) !== 0;
  if (readsOfAll > 1 || respondsAll || operations.some((each) => ANSWERING.has(each.code) && !isReadAll(each))) {
    throw new CommandError(RESULT.parameter, 'a read of all bins goes with no other answer');
  }
}

const buildsOnRecord = ({ code, type }: Operation): boolean =>
  code === OPERATION.write ? type === PARTICLE.null : !READ_OPERATIONS.has(code);
