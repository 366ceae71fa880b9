// A suspended subscriber asks for nothing, and nothing is lost; a suspended publisher collects.
import { openPublisher, openSubscriber } from '@millrace/core';

const publisher = await openPublisher('memory://queue/paused');
const subscriber = await openSubscriber('memory://queue/paused');
subscriber.suspend();
await publisher.publish({ value: 1 });
console.log('suspended:', await subscriber.next({ timeoutMs: 20 }));
subscriber.resume();
console.log('resumed:', await subscriber.next());

publisher.suspend();
await publisher.enqueue({ value: 2 });
console.log('collected:', publisher.details().queue_depth);
publisher.resume();
console.log('sent:', await subscriber.next());
await publisher.close();
await subscriber.close();

// Prints:
// suspended: undefined
// resumed: { value: 1 }
// collected: 1
// sent: { value: 2 }
