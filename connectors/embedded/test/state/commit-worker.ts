/**
 * Worker thread: applies `commits` commits of `perCommit` events to the state of the options given, then closes it. At
 * each quarter it waits until another thread has looked at the state, which counts its looks in `looks`.
 */
import { workerData } from 'node:worker_threads';

import { openEmbeddedStateWriter, type StateWriterOptions } from '../../src/state/writer.ts';

export interface CommitWork {
  readonly options: StateWriterOptions;
  readonly start: number;
  readonly commits: number;
  readonly perCommit: number;
  readonly looks: Int32Array<SharedArrayBuffer>;
}

const { options, start, commits, perCommit, looks } = workerData as CommitWork;
const writer = await openEmbeddedStateWriter(options);
for (let commit = 0; commit < commits; commit++) {
  const from = commit * perCommit;
  const events = Array.from({ length: perCommit }, (_, at) => ({
    offset: from + at,
    key: 'alice',
    kind: 0,
    time: start + ((from + at) % 60_000),
    dimensions: [`b${commit}`, 'PL', String(at)],
    measures: [1, commit],
    appendedAt: start,
  }));
  await writer.commit([{ partition: 0, from, to: from + perCommit, events, deadLetters: [] }]);
  if ((commit + 1) % (commits / 4) === 0) awaitLook();
}
await writer.close();

/** The look that is under way may have begun before, so it is the one after that. */
function awaitLook(): void {
  const enough = Atomics.load(looks, 0) + 2;
  for (let seen = enough - 2; seen < enough; seen = Atomics.load(looks, 0)) Atomics.wait(looks, 0, seen);
}
