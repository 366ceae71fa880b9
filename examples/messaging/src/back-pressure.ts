// A full queue lets its callers wait, or drops; what is dropped is counted and told to whoever awaits it.
import { openPublisher } from '@millrace/core';

for (const overflow of ['block', 'drop-oldest', 'drop-newest']) {
  const publisher = await openPublisher(`file:${overflow}.jsonl`, { max_queue_depth: 2, overflow });
  publisher.suspend(); // as if the target were away
  const calls = [1, 2, 3, 4].map((value) =>
    publisher.publish({ value }).then(
      () => `${value} sent`,
      (error: unknown) => `${value} ${(error as { code: string }).code}`,
    ),
  );
  publisher.resume();
  const outcomes = await Promise.all(calls);
  await publisher.close();
  const { offered, publish_count, dropped } = publisher.details();
  console.log(overflow, outcomes, { offered, publish_count, dropped });
}

// Prints:
// block [ '1 sent', '2 sent', '3 sent', '4 sent' ] { offered: 4, publish_count: 4, dropped: 0 }
// drop-oldest [ '1 QUEUE_FULL', '2 QUEUE_FULL', '3 sent', '4 sent' ] { offered: 4, publish_count: 2, dropped: 2 }
// drop-newest [ '1 sent', '2 sent', '3 QUEUE_FULL', '4 QUEUE_FULL' ] { offered: 4, publish_count: 2, dropped: 2 }
