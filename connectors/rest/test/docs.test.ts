import { readFile } from 'node:fs/promises';
import { messagingOptionsTable } from '@millrace/core';
import { restSinkOptions, restSourceOptions } from '@millrace/rest';
import { tableBelow, tableRows } from '@millrace/testkit';
import { expect, it } from 'vitest';

it.each([
  ['### Options of a publisher', restSinkOptions],
  ['### Options of a subscriber', restSourceOptions],
])('docs/rest.md has under "%s" the table that its options make', async (heading, options) => {
  const page = await readFile(new URL('../../../docs/rest.md', import.meta.url), 'utf8');
  expect(tableBelow(heading, page)).toEqual(tableRows(messagingOptionsTable(options)));
});
