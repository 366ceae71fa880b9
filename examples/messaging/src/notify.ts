// A callback after each message that was received, beside the reading itself: a bell, a counter.
import { openPublisher, openSubscriber } from '@millrace/core';

const subscriber = await openSubscriber('memory://topic/news', {
  notify: ({ key }) => console.log('came in:', key),
});
const publisher = await openPublisher('memory://topic/news');
const waiting = subscriber.next();
await publisher.publish({ key: 'headline', value: 'rain' });
console.log('read:', (await waiting)?.value);
await publisher.close();
await subscriber.close();

// Prints:
// came in: headline
// read: rain
