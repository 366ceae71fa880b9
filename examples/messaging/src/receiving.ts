// Three ways to receive: pull with a timeout, iterate, and a handler.
import { openPublisher, openSubscriber } from '@millrace/core';

const publisher = await openPublisher('memory://queue/numbers');
const subscriber = await openSubscriber('memory://queue/numbers');
for (let value = 1; value <= 5; value++) await publisher.publish({ value });

console.log('pulled', await subscriber.next({ timeoutMs: 1000 }));

for await (const { value } of subscriber) {
  console.log('iterated', value);
  if (value === 3) break;
}

const end = new AbortController();
await subscriber.subscribe(
  ({ value }) => {
    console.log('handled', value);
    if (value === 5) end.abort();
  },
  { signal: end.signal },
);
console.log('nothing left', await subscriber.next({ timeoutMs: 10 }));
await publisher.close();
await subscriber.close();

// Prints:
// pulled { value: 1 }
// iterated 2
// iterated 3
// handled 4
// handled 5
// nothing left undefined
