import type { Message } from '../protocol/message.ts';
import { CommandError, RESULT } from '../protocol/result-code.ts';
import type { Reply } from '../server/executor.ts';
import type { Database } from '../storage/database.ts';

export function runScan(
  _database: Database,
  _owns: (partition: number) => boolean,
  _message: Message,
  _reply: Reply,
): void {
  throw new CommandError(RESULT.unsupportedFeature, 'not yet');
}
