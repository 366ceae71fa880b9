// What happens while a target is away: it is asked again, later and later, and the order is kept. With `retry_max` a
// message is given up; without it, it waits until the target is back.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openPublisher } from '@millrace/core';

let asked = 0;
const server = createServer((_request, response) => {
  asked++;
  response.writeHead(asked <= 3 ? 503 : 204).end();
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;

const impatient = await openPublisher(url, { retry_max: 2, retry_backoff: '10ms' });
const given = await impatient.publish({ value: 1 }).then(
  () => 'taken',
  (error: unknown) => (error as { code: string }).code,
);
console.log('two attempts:', given);
await impatient.close();

const patient = await openPublisher(url, { retry_backoff: '10ms' });
await patient.publish({ value: 2 });
const { publish_count: published, retries } = patient.details();
console.log('any number:', { published, retries, asked });
await patient.close();
server.close();

// Prints:
// two attempts: UNAVAILABLE
// any number: { published: 1, retries: 1, asked: 4 }
