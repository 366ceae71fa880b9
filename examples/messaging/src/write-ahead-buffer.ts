// With `wal`, a message is safe once it is on disk, whether the target is there or not: here it never is, and the next
// publisher on the same directory delivers what this one could not.
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { openPublisher } from '@millrace/core';

const port = 20_000 + (process.pid % 10_000);
const url = `http://127.0.0.1:${port}/hook`;
const publisher = await openPublisher(url, { wal: 'embedded:wal' });
for (const value of [1, 2, 3]) await publisher.publish({ value });
await publisher.close();
console.log('accepted while nobody listened:', publisher.details().offered);

const bodies: string[] = [];
const server = createServer((request, response) => {
  request.on('data', (part: Buffer) => bodies.push(part.toString()));
  request.on('end', () => response.writeHead(204).end());
});
await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
const next = await openPublisher(url, { wal: 'embedded:wal' });
while (next.details().publish_count < 3) await sleep(10);
console.log('delivered later:', bodies);
await next.close();
server.close();

// Prints:
// accepted while nobody listened: 3
// delivered later: [ '1', '2', '3' ]
