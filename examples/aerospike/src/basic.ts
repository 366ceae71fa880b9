import { openPublisher } from '@millrace/core';

import { type Example, runIfMain } from './example.ts';

/** Publishes one reading of a sensor. */
export const basic: Example = async ({ urlOf, print }) => {
  const publisher = await openPublisher(urlOf('test', 'sensors'), { name: 'sensor_publisher' });
  await publisher.publish({
    value: {
      __dagserver_key: 'sensor_001',
      temperature: 23.5,
      humidity: 65.2,
      pressure: 1013.25,
      timestamp: new Date().toISOString(),
      location: 'warehouse_a',
    },
  });
  await publisher.close();
  print(`Published ${publisher.details().publish_count} message(s)`);
};

await runIfMain(import.meta.main, basic);
