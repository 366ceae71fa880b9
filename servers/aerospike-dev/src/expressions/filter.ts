import { CommandError, RESULT } from '../protocol/result-code.ts';
import type { RecordView } from './context.ts';

export function compileFilter(_packed: Buffer): (target: RecordView) => boolean {
  throw new CommandError(RESULT.unsupportedFeature, 'not yet');
}
