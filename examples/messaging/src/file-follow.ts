// Follows a file that another program writes, and goes on after a restart where it was.
import { appendFile } from 'node:fs/promises';
import { openSubscriber } from '@millrace/core';

const config = { follow: true, position: 'readings.position' };
const before = await openSubscriber('file:readings.jsonl', config);
const waiting = before.next(); // the file is not there yet
await appendFile('readings.jsonl', '{"temperature":23.5}\n{"temperature":23.7}\n');
console.log('before the restart:', (await waiting)?.value);
console.log('before the restart:', (await before.next())?.value);
await before.next({ timeoutMs: 10 }); // asking again is the acknowledgement
await before.close();

await appendFile('readings.jsonl', '{"temperature":24.1}\n');
const after = await openSubscriber('file:readings.jsonl', config);
console.log('after the restart:', (await after.next())?.value);
await after.close();

// Prints:
// before the restart: { temperature: 23.5 }
// before the restart: { temperature: 23.7 }
// after the restart: { temperature: 24.1 }
