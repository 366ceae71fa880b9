// Many parts of a program share one publisher, without a lock: messages keep the order of the calls.
import { readFile } from 'node:fs/promises';
import { openPublisher } from '@millrace/core';

const publisher = await openPublisher('file:shared.jsonl');
const calls = Array.from({ length: 1000 }, (_, call) => publisher.publish({ value: { call } }));
await Promise.all(calls);
await publisher.close();

const lines = (await readFile('shared.jsonl', 'utf8')).trimEnd().split('\n');
const inOrder = lines.every((line, call) => (JSON.parse(line) as { call: number }).call === call);
console.log(lines.length, 'lines, in order:', inOrder);

// Prints:
// 1000 lines, in order: true
