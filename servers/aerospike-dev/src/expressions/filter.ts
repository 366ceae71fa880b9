import { decode } from '../msgpack/decode.ts';
import { findBin } from '../storage/packed-bins.ts';
import type { RecordView } from './context.ts';
import { Evaluator } from './evaluate.ts';

/** Whether a filter expression is true of a record; an unknown result is not. @throws CommandError for a wrong one */
export function compileFilter(packed: Buffer): (target: RecordView) => boolean {
  const expression = decode(packed);
  return (target) => {
    const bin = (name: string) => (target.record === undefined ? undefined : findBin(target.record.bins, name));
    return new Evaluator({ ...target, bin }).evaluate(expression) === true;
  };
}
