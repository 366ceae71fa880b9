// Before maintenance: stop receiving, work off what is there, close. The rest is for the next one.
import { writeFile } from 'node:fs/promises';
import { openSubscriber } from '@millrace/core';

await writeFile('jobs.jsonl', Array.from({ length: 10_000 }, (_, job) => `{"job":${job}}\n`).join(''));
const config = { position: 'jobs.position', max_depth: 100 };
const subscriber = await openSubscriber('file:jobs.jsonl', config);
await subscriber.next();
subscriber.freeze();
let drained = 1;
while ((await subscriber.next({ timeoutMs: 50 })) !== undefined) drained++;
console.log({ frozen: subscriber.isFrozen(), left: subscriber.details().current_depth });
await subscriber.close();

const next = await openSubscriber('file:jobs.jsonl', config);
const message = await next.next();
console.log('goes on behind them:', JSON.stringify(message?.value) === `{"job":${drained}}`);
await next.close();

// Prints:
// { frozen: true, left: 0 }
// goes on behind them: true
