import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';

const source = path.join(import.meta.dirname, '../src');
/** Folders that are imported by a path of their own: `@millrace/core/state`. */
const OWN_ENTRIES = ['state'];

// What is not exported cannot be imported by its users, since packages are imported by name only.
it.each(['.', 'config'])('the index of %s holds every file and folder beside it', async (folder) => {
  const directory = path.join(source, folder);
  const entries = await readdir(directory, { withFileTypes: true });
  const expected = entries
    .filter(({ name }) => name !== 'index.ts' && !OWN_ENTRIES.includes(name))
    .map((entry) => `export * from './${entry.isDirectory() ? `${entry.name}/index.ts` : entry.name}';`);
  const index = await readFile(path.join(directory, 'index.ts'), 'utf8');
  expect(index.trim().split('\n')).toEqual(expected.toSorted());
});
