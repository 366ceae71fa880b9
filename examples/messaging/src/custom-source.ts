// A source of your own: a module that exports `source`. This one fails at first; the subscriber tries again by itself.
import { openSubscriber } from '@millrace/core';

const countdown = new URL('countdown.ts', import.meta.url).pathname;
const subscriber = await openSubscriber(`custom://${countdown}`, { start: 3, retry_backoff: '10ms' });
for await (const { value } of subscriber) console.log(value);
console.log('before that:', subscriber.details().last_error);
await subscriber.close();

// Prints:
// 3
// 2
// 1
// before that: the countdown is not set yet
