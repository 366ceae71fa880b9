import type { Bins, Key, Records, RecordWrite } from '../records.ts';

/** What a commit has to bring into one record, or one chain of records, in one or several steps. */
export interface PendingWrite {
  /** The next step. Its filter keeps it from being applied to a record that has some of it already. */
  next(): RecordWrite;
  /** The step was applied. Returns whether all is done. */
  applied(): boolean;
  /** Bins that `refused` needs; undefined: all. */
  readonly bins: readonly string[] | undefined;
  /** The filter did not hold: `stored` is what the record has. Returns whether all is done. */
  refused(stored: Bins | undefined): boolean;
}

/** A write that may be applied any number of times. */
export const plainWrite = (write: RecordWrite): PendingWrite => ({
  bins: [],
  next: () => write,
  applied: () => true,
  refused: () => true,
});

/** Ends a loop that can only come from a record that changes under the writer's hands all the time. */
const MAX_ROUNDS = 10_000;

/** Brings all writes to their end: as a rule one batch, and more only where something was refused or is long. */
export async function settle(records: Records, writes: readonly PendingWrite[]): Promise<void> {
  let open = writes;
  for (let round = 0; open.length > 0; round++) {
    if (round >= MAX_ROUNDS) throw new Error('the records of a commit never settle');
    const steps = open.map((write) => write.next());
    const applied = await records.write(steps);
    const refused = open.flatMap((_, at) => (applied[at] === true ? [] : [at]));
    const found = await readEach(
      records,
      refused.map((at) => ({ at, key: steps[at]!.key, bins: open[at]!.bins })),
    );
    open = open.filter((write, at) => !(applied[at] === true ? write.applied() : write.refused(found.get(at))));
  }
}

interface Refused {
  readonly at: number;
  readonly key: Key;
  readonly bins: readonly string[] | undefined;
}

/** What the records have, by the places of their writes. */
async function readEach(records: Records, refused: readonly Refused[]): Promise<Map<number, Bins | undefined>> {
  const found = new Map<number, Bins | undefined>();
  for (const some of Map.groupBy(refused, ({ bins }) => bins === undefined).values()) {
    const bins = some[0]!.bins === undefined ? undefined : [...new Set(some.flatMap((one) => one.bins ?? []))];
    if (bins?.length === 0) continue;
    const stored = await records.read(
      some.map(({ key }) => key),
      bins,
    );
    some.forEach(({ at }, index) => found.set(at, stored[index]));
  }
  return found;
}
