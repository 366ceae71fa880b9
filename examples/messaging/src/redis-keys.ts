// The last reading of each sensor under a key of its own, in Redis. The key may stand in the value; without one, a reading
// is refused.
import { hasCode, messageFrom, openPublisher, openSubscriber } from '@millrace/core';

const server = process.env['REDIS_SERVER'] ?? 'localhost:6379';
const publisher = await openPublisher(`redis://${server}/readings`);
await publisher.publish({ key: 'sensor:temperature:001', value: { value: 23.5, unit: 'celsius' } });
await publisher.publish(messageFrom({ __dagserver_key: 'sensor:humidity:001', value: 65.2, unit: 'percent' }));
try {
  await publisher.publish({ value: { value: 1013.25, unit: 'hPa' } });
} catch (error) {
  if (!hasCode(error, 'INVALID_ARGUMENT')) throw error;
  console.log(error.message);
}
await publisher.close();
console.log('published:', publisher.details().publish_count);

const readings = await openSubscriber(`redis://${server}/readings`, { key_pattern: 'sensor:temperature:*' });
const reading = await readings.next();
console.log(reading?.key, reading?.value);
await readings.close();

// Prints:
// the message has no key, and its value no field __dagserver_key: give it one
// published: 2
// sensor:temperature:001 { value: 23.5, unit: 'celsius' }
