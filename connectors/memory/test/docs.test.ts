import { readFile } from 'node:fs/promises';
import { messagingOptionsTable, publisherOptions, subscriberOptions } from '@millrace/core';
import { memoryOptions } from '@millrace/memory';
import { tableBelow, tableRows } from '@millrace/testkit';
import { expect, it } from 'vitest';

it.each([
  ['messaging', '### Options of a publisher', publisherOptions],
  ['messaging', '### Options of a subscriber', subscriberOptions],
  ['memory', '## Options', memoryOptions],
])('docs/%s.md has under "%s" the table that its options make', async (name, heading, options) => {
  const page = await readFile(new URL(`../../../docs/${name}.md`, import.meta.url), 'utf8');
  expect(tableBelow(heading, page)).toEqual(tableRows(messagingOptionsTable(options)));
});
