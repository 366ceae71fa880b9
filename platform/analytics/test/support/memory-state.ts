import {
  MillraceError,
  type CommitResult,
  type NewDeadLetter,
  type Offset,
  type PartitionChange,
  type StateEvent,
  type StateWriter,
} from '@millrace/core';

/** Keeps what was committed, for a test to look at. */
export class MemoryState implements StateWriter {
  readonly partitions = 2;
  readonly events: StateEvent[] = [];
  readonly deadLetters = new Map<string, NewDeadLetter>();
  readonly resolved: string[] = [];
  commits = 0;
  private failures: Error[] = [];
  private readonly offsets: (Offset | undefined)[] = [];

  async committed(partition: number): Promise<Offset | undefined> {
    return this.offsets[partition];
  }

  async synced(partition: number): Promise<Offset | undefined> {
    return this.offsets[partition];
  }

  /** The next commits reject with these, one each; takes the place of those that were still to come. */
  failNext(...errors: Error[]): void {
    this.failures = errors;
  }

  async commit(changes: readonly PartitionChange[]): Promise<CommitResult> {
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    for (const { partition, from, to, events, deadLetters, resolved = [] } of changes) {
      if (from > (this.offsets[partition] ?? from)) throw new MillraceError('COMMIT_GAP', `from ${from}`);
      this.events.push(...events);
      for (const letter of deadLetters) this.deadLetters.set(`${partition}-${letter.offset}`, letter);
      for (const id of resolved) this.deadLetters.delete(id);
      this.resolved.push(...resolved);
      this.offsets[partition] = to;
    }
    this.commits++;
    const applied = changes.reduce((sum, { events }) => sum + events.length, 0);
    return { applied, redelivered: 0, duplicates: 0, late: 0 };
  }

  async close(): Promise<void> {}
}
