/** A worker thread that writes one event to the state of the directory given to it, and keeps it open until it is told to end. */
import { openStateWriter } from '@millrace/core';

import { STATE_OPTIONS } from './fixtures.ts';

const writer = await openStateWriter(`embedded:${process.env['DATA_DIRECTORY']}`, STATE_OPTIONS);
const event = { offset: 0, key: 'alice', kind: 0, time: 1000, dimensions: [], measures: [7], appendedAt: Date.now() };
await writer.commit([{ partition: 0, from: 0, to: 1, events: [event], deadLetters: [] }]);
process.stdout.write('committed\n');
process.stdin.on('end', () => void writer.close());
process.stdin.resume();
