/** Worker thread: applies `commits` commits of `perCommit` events to the state of the options given, then closes it. */
import { workerData } from 'node:worker_threads';

import { openEmbeddedStateWriter, type StateWriterOptions } from '../../src/state/writer.ts';

export interface CommitWork {
  readonly options: StateWriterOptions;
  readonly start: number;
  readonly commits: number;
  readonly perCommit: number;
}

const { options, start, commits, perCommit } = workerData as CommitWork;
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
}
await writer.close();
