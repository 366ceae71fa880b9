// With `resilient`, a publisher takes messages while its target is away, and delivers them in order when it is back.
import { createServer } from 'node:http';
import { openPublisher } from '@millrace/core';

const port = 20_000 + (process.pid % 10_000);
const publisher = await openPublisher(`http://127.0.0.1:${port}/hook`, {
  resilient: true,
  retry_max: 2,
  retry_backoff: '10ms',
  buffer_max_messages: 100,
});
for (const value of [1, 2, 3]) await publisher.publish({ value });
const { publish_count, outage_buffer_depth, connected } = publisher.details();
console.log({ publish_count, outage_buffer_depth, connected });

const bodies: string[] = [];
const server = createServer((request, response) => {
  request.on('data', (part: Buffer) => bodies.push(part.toString()));
  request.on('end', () => response.writeHead(204).end());
});
await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
await publisher.publish({ value: 4 });
console.log(bodies, publisher.details().outage_buffer_depth);
await publisher.close();
server.close();

// Prints:
// { publish_count: 0, outage_buffer_depth: 3, connected: false }
// [ '1', '2', '3', '4' ] 0
