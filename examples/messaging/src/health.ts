// What a health check would answer: is everything running, and when did it last do something?
import { openPublisher, openSubscriber } from '@millrace/core';

const publisher = await openPublisher('memory://queue/orders');
const subscriber = await openSubscriber('memory://queue/orders');

function health(): object {
  const { publish_count, last_publish, connected } = publisher.details();
  return {
    publisher: { is_running: publisher.isRunning(), connected, publish_count, last_publish },
    subscriber: { is_running: subscriber.isRunning(), message_count: subscriber.getMessageCount() },
  };
}

await publisher.publish({ value: { total: 12 } });
await subscriber.next();
console.log(health());
await Promise.all([publisher.close(), subscriber.close()]);
console.log('after the end:', JSON.stringify(health()));

// Prints:
// {
//   publisher: {
//     is_running: true,
//     connected: true,
//     publish_count: 1,
//     last_publish: '...'
//   },
//   subscriber: { is_running: true, message_count: 1 }
// }
// after the end: {"publisher":{"is_running":false,...},"subscriber":{"is_running":false,"message_count":1}}
