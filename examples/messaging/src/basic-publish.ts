// One reading of a sensor, kept under its key in a file.
import { openPublisher } from '@millrace/core';

const publisher = await openPublisher('file:sensors.jsonl?lines=messages');
await publisher.publish({
  key: 'sensor_001',
  value: { temperature: 23.5, humidity: 65.2, pressure: 1013.25, location: { room: 'A1' }, active: true },
});
await publisher.close();
console.log('published:', publisher.details().publish_count);

// Prints:
// published: 1
