import { DIGEST_BYTES, FIELD, INFO1, INFO2 } from '../protocol/constants.ts';
import type { Message } from '../protocol/message.ts';
import type { Outcome } from '../protocol/response.ts';
import { emptyOutcome } from '../protocol/response.ts';
import { CommandError, RESULT } from '../protocol/result-code.ts';
import type { Namespace } from '../storage/namespace.ts';
import { read } from './read.ts';
import { remove } from './remove.ts';
import { write } from './write.ts';

/** Runs a command on one record, which is a message of its own or a row of a batch. */
export function runRecordCommand(namespace: Namespace | undefined, message: Message): Outcome {
  try {
    if (namespace === undefined) return emptyOutcome(RESULT.namespaceNotFound);
    if (message.digest.length !== DIGEST_BYTES) return emptyOutcome(RESULT.parameter);
    if (message.has(FIELD.udfPackage)) return emptyOutcome(RESULT.unsupportedFeature);
    if ((message.info2 & INFO2.write) === 0) {
      return (message.info1 & INFO1.read) === 0 ? emptyOutcome(RESULT.parameter) : read(namespace, message);
    }
    return (message.info2 & INFO2.delete) === 0 ? write(namespace, message) : remove(namespace, message);
  } catch (error) {
    if (error instanceof CommandError) return emptyOutcome(error.code);
    throw error;
  }
}
