import { readFile } from 'node:fs/promises';
import { messagingOptionsTable } from '@millrace/core';
import { fileSinkOptions, fileSourceOptions } from '@millrace/file';
import { tableBelow, tableRows } from '@millrace/testkit';
import { expect, it } from 'vitest';

it.each([
  ['### Options of a publisher', fileSinkOptions],
  ['### Options of a subscriber', fileSourceOptions],
])('docs/file.md has under "%s" the table that its options make', async (heading, options) => {
  const page = await readFile(new URL('../../../docs/file.md', import.meta.url), 'utf8');
  expect(tableBelow(heading, page)).toEqual(tableRows(messagingOptionsTable(options)));
});
