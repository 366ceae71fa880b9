import { INFO2 } from '../protocol/constants.ts';
import type { Message } from '../protocol/message.ts';
import type { Outcome } from '../protocol/response.ts';
import { emptyOutcome } from '../protocol/response.ts';
import { RESULT } from '../protocol/result-code.ts';
import type { Namespace } from '../storage/namespace.ts';
import { checkFilter, checkGeneration, checkKey } from './conditions.ts';

export function remove(namespace: Namespace, message: Message): Outcome {
  if ((message.info2 & INFO2.durableDelete) !== 0) return emptyOutcome(RESULT.enterpriseOnly);
  const record = namespace.get(message.digest);
  if (record === undefined) return emptyOutcome(RESULT.notFound);
  checkGeneration(message, record);
  checkKey(message, record);
  checkFilter(namespace, message, record);
  namespace.delete(message.digest, record);
  return emptyOutcome();
}
