/** Writes keys to the store of the directory named in its argument and prints the number of each that is acknowledged. */
import { writeSync } from 'node:fs';

import { openEmbeddedKeyValueStore } from '../src/key-value-store.ts';

const directory = process.argv[2];
if (directory === undefined) throw new Error('the directory is missing');
const store = await openEmbeddedKeyValueStore({ directory });
for (let number = 1; ; number++) {
  await Promise.all([store.set(`key:${number}`, Buffer.from(String(number))), store.increment('count', 1n)]);
  writeSync(1, `${number}\n`);
}
