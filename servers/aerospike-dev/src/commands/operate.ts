import { modifyBits, readBits } from '../cdt/bits.ts';
import { modifyCollection, readCollection } from '../cdt/collection.ts';
import type { RecordView } from '../expressions/context.ts';
import { modifyByExpression, readByExpression } from '../expressions/operation.ts';
import { OPERATION, PARTICLE } from '../protocol/constants.ts';
import type { Operation } from '../protocol/operation.ts';
import { CommandError, RESULT } from '../protocol/result-code.ts';
import type { Bins, Particle } from '../storage/packed-bins.ts';
import { nullParticle } from '../storage/packed-bins.ts';
import { append, increment, prepend } from './scalar-operations.ts';

/** Answer to an operation, by the name of its bin. */
export type Answer = readonly [name: string, particle: Particle];

/** Changes `bins`, and returns what the operation answers, undefined for nothing. */
type Run = (bins: Bins, operation: Operation, target: RecordView) => Particle | undefined;

const RUNS: ReadonlyMap<number, Run> = new Map<number, Run>([
  [OPERATION.read, (bins, { name }) => bins.get(name)],
  [OPERATION.write, writeBin],
  [OPERATION.increment, increment],
  [OPERATION.append, append],
  [OPERATION.prepend, prepend],
  [OPERATION.touch, () => undefined],
  [OPERATION.delete, clear],
  [OPERATION.cdtRead, readCollection],
  [OPERATION.cdtModify, modifyCollection],
  [OPERATION.bitRead, readBits],
  [OPERATION.bitModify, modifyBits],
  [OPERATION.expressionRead, readByExpression],
  [OPERATION.expressionModify, modifyByExpression],
]);

/**
 * Runs the operations in their order on the bins of one record, which it changes.
 *
 * @param respondAll answer every operation, also one without a result
 * @throws CommandError at the first operation that fails; the caller then keeps the record as it was
 */
export function runOperations(
  target: RecordView,
  bins: Bins,
  operations: readonly Operation[],
  respondAll: boolean,
): { answers: Answer[] } {
  const answers: Answer[] = [];
  for (const operation of operations) {
    if (operation.code === OPERATION.read && operation.name === '') {
      answers.push(...bins);
      continue;
    }
    const run = RUNS.get(operation.code);
    if (run === undefined) {
      throw new CommandError(RESULT.unsupportedFeature, `operation ${operation.code} is not known here`);
    }
    const answer = run(bins, operation, target);
    if (answer !== undefined) answers.push([operation.name, answer]);
    else if (respondAll && (operation.name !== '' || operation.code === OPERATION.delete))
      answers.push([operation.name, nullParticle()]);
  }
  return { answers };
}

function clear(bins: Bins): undefined {
  bins.clear();
}

function writeBin(bins: Bins, { name, type, data }: Operation): undefined {
  if (name === '') throw new CommandError(RESULT.parameter, 'a write needs the name of a bin');
  if (type === PARTICLE.null) bins.delete(name);
  else bins.set(name, { type, data });
}
