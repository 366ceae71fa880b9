import { MillraceError } from '@millrace/core';

/** @param what was made with `stored` partitions, and is to be opened with another number */
export function partitionsMismatch(what: string, stored: number, given: number): MillraceError {
  const problem = `${what} was made with ${stored} partitions and cannot be opened with ${given}`;
  return new MillraceError('PARTITIONS_MISMATCH', `${problem}: give --partitions ${stored}, or another --data`, {
    field: '--partitions',
    value: given,
    accepted: String(stored),
  });
}
