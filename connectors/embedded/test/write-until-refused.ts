/**
 * Writes to the store of the directory named in its argument until it refuses, then prints how many writes were
 * acknowledged, the code of the refusal, and that of the write after it.
 */
import { openEmbeddedKeyValueStore } from '../src/key-value-store.ts';

const directory = process.argv[2];
if (directory === undefined) throw new Error('the directory is missing');
const store = await openEmbeddedKeyValueStore({ directory });
const value = Buffer.alloc(4096, 1);
const codes: unknown[] = [];
let acknowledged = 0;
while (codes.length < 2) {
  await store.set(`key:${acknowledged}`, value).then(
    () => acknowledged++,
    (error: unknown) => codes.push((error as { code?: unknown }).code),
  );
}
await store.close();
process.stdout.write(JSON.stringify({ acknowledged, codes }));
