// Every message to several targets. What one of them does not take, the others get all the same.
import { createPublisher, FanOutPublisher, HolderPublisher } from '@millrace/core';

const toFile = await createPublisher('archive', { destination: 'file:archive.jsonl' });
const closed = new HolderPublisher('closed', { max_queue_depth: 1 });
const everywhere = new FanOutPublisher('everywhere', [toFile, closed]);
await everywhere.start();
await everywhere.publish({ value: 1 });
await closed.close();
await everywhere.publish({ value: 2 });
const { publish_count, child_errors, publishers } = everywhere.details();
console.log({ publish_count, child_errors });
for (const [name, { publish_count: count }] of Object.entries(publishers)) console.log(name, count);
await everywhere.close();

// Prints:
// { publish_count: 2, child_errors: 1 }
// archive 2
// closed 1
