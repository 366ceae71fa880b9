import { openPublisher } from '@millrace/core';

import { epochSeconds, type Example, runIfMain, scaled } from './example.ts';

/** Many events: they are put into the queue, which sends them in batches. */
export const bulk: Example = async ({ urlOf, scale, print }) => {
  const total = scaled(10_000, scale);
  const publisher = await openPublisher(urlOf('analytics', 'events'), { name: 'bulk_publisher' });
  const startedAt = performance.now();
  for (let i = 0; i < total; i++) {
    await publisher.enqueue({
      value: {
        __dagserver_key: `event_${i}`,
        event_type: 'page_view',
        user_id: `user_${i % 100}`,
        page: `/page/${i % 50}`,
        duration: i % 300,
        timestamp: epochSeconds(),
      },
    });
    if ((i + 1) % 1000 === 0) print(`Published ${i + 1} events...`);
  }
  await publisher.flush();
  const seconds = (performance.now() - startedAt) / 1000;
  await publisher.close();
  print(`Total events: ${publisher.details().publish_count}`);
  print(`Duration: ${seconds.toFixed(2)} seconds`);
  print(`Throughput: ${(total / seconds).toFixed(2)} events/second`);
};

await runIfMain(import.meta.main, bulk);
