import { setTimeout as sleep } from 'node:timers/promises';

import { openPublisher } from '@millrace/core';

import { epochSeconds, type Example, runIfMain, scaled } from './example.ts';

const DEVICES = ['device_001', 'device_002', 'device_003'];
const between = (low: number, high: number): number => low + Math.random() * (high - low);

/** Readings of three devices, a round per second. Two rounds in one second would overwrite each other. */
export const iotDevices: Example = async ({ urlOf, scale, print }) => {
  const rounds = scaled(100, scale);
  const publisher = await openPublisher(urlOf('iot', 'device_readings'), { name: 'iot_publisher' });
  for (let round = 0; round < rounds; round++) {
    if (round > 0) await sleep(1000);
    const timestamp = epochSeconds();
    for (const device of DEVICES) {
      await publisher.publish({
        value: {
          __dagserver_key: `${device}_${timestamp}`,
          device_id: device,
          temperature: between(15, 30),
          battery: Math.floor(between(50, 101)),
          signal_strength: Math.floor(between(-90, -29)),
          timestamp,
        },
      });
    }
  }
  await publisher.close();
  print(`Published ${publisher.details().publish_count} device readings`);
};

await runIfMain(import.meta.main, iotDevices);
