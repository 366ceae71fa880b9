import { setTimeout as sleep } from 'node:timers/promises';

import { openPublisher } from '@millrace/core';

import { epochSeconds, type Example, runIfMain, scaled } from './example.ts';

/** A snapshot of a system per second. */
export const timeSeries: Example = async ({ urlOf, scale, print }) => {
  const snapshots = scaled(60, scale);
  const publisher = await openPublisher(urlOf('metrics', 'system'), { name: 'metrics_publisher' });
  for (let i = 0; i < snapshots; i++) {
    if (i > 0) await sleep(1000);
    const timestamp = epochSeconds();
    await publisher.publish({
      value: {
        __dagserver_key: `system_metrics_${timestamp}`,
        timestamp,
        cpu_percent: 45.5 + 0.5 * i,
        memory_percent: 60 + 0.3 * i,
        disk_io: 1000 + 10 * i,
        network_rx: 5000 + 100 * i,
        network_tx: 3000 + 80 * i,
      },
    });
  }
  await publisher.close();
  print(`Stored ${publisher.details().publish_count} metric snapshots`);
};

await runIfMain(import.meta.main, timeSeries);
