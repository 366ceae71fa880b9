// A queue keeps messages, and each goes to one subscriber. A topic gives each to all who are there, and to nobody later.
import { openPublisher, openSubscriber } from '@millrace/core';

for (const kind of ['queue', 'topic']) {
  const publisher = await openPublisher(`memory://${kind}/news`);
  await publisher.publish({ value: 'early' });
  const first = await openSubscriber(`memory://${kind}/news`);
  const second = await openSubscriber(`memory://${kind}/news`);
  await publisher.publish({ value: 'late' });
  const received = [await first.next({ timeoutMs: 50 }), await second.next({ timeoutMs: 50 })];
  console.log(
    kind,
    received.map((message) => message?.value),
  );
  await Promise.all([publisher.close(), first.close(), second.close()]);
}

// Prints:
// queue [ 'early', 'late' ]
// topic [ 'late', 'late' ]
