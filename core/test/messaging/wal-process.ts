// Publishes numbers through a write-ahead buffer until it is killed, and says which of them are safe.
import { openPublisher } from '@millrace/core';

const [url, wal, first] = process.argv.slice(2) as [string, string, string];
const publisher = await openPublisher(url, { name: 'numbers', wal });
for (let value = Number(first); ; value += 10) {
  await Promise.all(Array.from({ length: 10 }, (_, index) => publisher.publish({ value: value + index })));
  process.stdout.write(`${value + 9}\n`);
}
