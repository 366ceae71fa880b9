// Large values, packed before they are published and unpacked after. Kafka does that by itself: `?compression=gzip`.
import { gunzipSync, gzipSync } from 'node:zlib';
import type { JsonValue } from '@millrace/core';
import { openPublisher, openSubscriber } from '@millrace/core';

const pack = (value: JsonValue): string => gzipSync(JSON.stringify(value)).toString('base64');
const unpack = (packed: string): JsonValue =>
  JSON.parse(gunzipSync(Buffer.from(packed, 'base64')).toString()) as JsonValue;

const report = { lines: Array.from({ length: 1000 }, (_, line) => `line ${line}: nothing to report`) };
const publisher = await openPublisher('file:reports.jsonl');
await publisher.publish({ value: pack(report) });
await publisher.close();

const subscriber = await openSubscriber('file:reports.jsonl');
const value = (await subscriber.next())?.value as string;
console.log('smaller:', value.length * 3 < JSON.stringify(report).length);
console.log('the same:', JSON.stringify(unpack(value)) === JSON.stringify(report));
await subscriber.close();

// Prints:
// smaller: true
// the same: true
