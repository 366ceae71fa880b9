/** Commits to the state in the directory of its argument until LevelDB has changed its log file, and prints a line per commit. */
import { writeSync } from 'node:fs';
import { STATE_SCHEMA, stateChange, stateEvent } from '@millrace/testkit';

import { openEmbeddedStateWriter } from '../../src/state/writer.ts';

const COMMITS = 24;
const EVENTS_PER_COMMIT = 2_000;
/** Together more than LevelDB's write buffer, at which it begins a new log file. */
const VALUE = 'x'.repeat(400);

const directory = process.argv[2]!;
const writer = await openEmbeddedStateWriter({
  directory,
  schema: STATE_SCHEMA,
  partitions: 1,
  keep: 230,
  retentionMs: 3_600_000,
});
for (let commit = 0; commit < COMMITS; commit++) {
  const events = Array.from({ length: EVENTS_PER_COMMIT }, (_, at) =>
    stateEvent(commit * EVENTS_PER_COMMIT + at, { dimensions: ['Nike', 'PL', `${at}${VALUE}`] }),
  );
  await writer.commit([stateChange(events)]);
  writeSync(1, `committed ${commit}\n`);
}
await writer.close();
