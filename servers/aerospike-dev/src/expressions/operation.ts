import type { Operation } from '../protocol/operation.ts';
import { CommandError, RESULT } from '../protocol/result-code.ts';
import type { Bins, Particle } from '../storage/packed-bins.ts';
import type { RecordView } from './context.ts';

export function readByExpression(_bins: Bins, _operation: Operation, _target: RecordView): Particle | undefined {
  throw new CommandError(RESULT.unsupportedFeature, 'not yet');
}
export function modifyByExpression(_bins: Bins, _operation: Operation, _target: RecordView): Particle | undefined {
  throw new CommandError(RESULT.unsupportedFeature, 'not yet');
}
