import type { Operation } from '../protocol/operation.ts';
import { CommandError, RESULT } from '../protocol/result-code.ts';
import type { Bins, Particle } from '../storage/packed-bins.ts';

export function readCollection(_bins: Bins, _operation: Operation): Particle | undefined {
  throw new CommandError(RESULT.unsupportedFeature, 'not yet');
}
export function modifyCollection(_bins: Bins, _operation: Operation): Particle | undefined {
  throw new CommandError(RESULT.unsupportedFeature, 'not yet');
}
