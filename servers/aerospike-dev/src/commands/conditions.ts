import { compileFilter } from '../expressions/filter.ts';
import { FIELD, INFO2 } from '../protocol/constants.ts';
import type { Message } from '../protocol/message.ts';
import { CommandError, RESULT } from '../protocol/result-code.ts';
import type { Namespace } from '../storage/namespace.ts';
import type { StoredRecord } from '../storage/record.ts';

/** @throws CommandError when the generation that the message expects is not the record's; a new record has 0 */
export function checkGeneration(message: Message, record: StoredRecord | undefined): void {
  const generation = record?.generation ?? 0;
  const matches =
    (message.info2 & INFO2.generation) !== 0
      ? message.generation === generation
      : (message.info2 & INFO2.generationGreater) === 0 || message.generation > generation;
  if (!matches) {
    throw new CommandError(RESULT.generation, `the record's generation is ${generation}, not ${message.generation}`);
  }
}

/** @throws CommandError when the message has a filter expression that is not true of the record */
export function checkFilter(namespace: Namespace, message: Message, record: StoredRecord): void {
  const { filter } = message;
  if (filter === undefined) return;
  if (!compileFilter(filter)({ namespace: namespace.name, digest: message.digest, record })) {
    throw new CommandError(RESULT.filteredOut, 'the filter expression is not true of the record');
  }
}

/** @throws CommandError when the user key that was sent is not the one the record was written with */
export function checkKey(message: Message, record: StoredRecord): void {
  if (record.key === '' || !message.has(FIELD.key)) return;
  if (message.text(FIELD.key) !== record.key) {
    throw new CommandError(RESULT.keyMismatch, 'the record was written with another user key');
  }
}
