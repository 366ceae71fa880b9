// A logger is told what a publisher does not throw: here, that its target is away. Passwords do not appear.
import { createLogger, openPublisher } from '@millrace/core';

const lines: string[] = [];
const logger = createLogger({ level: 'debug', name: 'shop', destination: { write: (line) => void lines.push(line) } });
const publisher = await openPublisher('http://alice:secret@127.0.0.1:9/hook', { logger, retry_max: 1 });
await publisher.publish({ value: { total: 12 } }).catch((error: Error) => console.log(error.message));
await publisher.close();
const { level, name, msg } = JSON.parse(lines[0] ?? '{}') as Record<string, string>;
console.log(
  { level, name, msg },
  lines.some((line) => line.includes('secret')),
);

// Prints:
// http://alice:***@127.0.0.1:9/hook: connect ECONNREFUSED 127.0.0.1:9
// {
//   level: 'warn',
//   name: 'shop',
//   msg: 'publisher "http://***@127.0.0.1:9/hook": trying again'
// } false
