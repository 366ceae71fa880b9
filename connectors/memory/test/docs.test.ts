import { readFile } from 'node:fs/promises';
import { messagingOptionsTable, publisherOptions, subscriberOptions } from '@millrace/core';
import { memoryOptions } from '@millrace/memory';
import { expect, it } from 'vitest';

/** Cells without the padding that the formatter adds. */
function cellsOf(text: string): string[][] {
  const lines = text.split('\n').filter((line) => line.startsWith('|') && !/^\|[ |-]+$/.test(line));
  return lines.map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()));
}

it.each([
  ['messaging', '### Options of a publisher', publisherOptions],
  ['messaging', '### Options of a subscriber', subscriberOptions],
  ['memory', '## Options', memoryOptions],
])('docs/%s.md has under "%s" the table that its options make', async (page, heading, options) => {
  const text = await readFile(new URL(`../../../docs/${page}.md`, import.meta.url), 'utf8');
  const [, section = ''] = text.split(`\n${heading}\n`);
  const [own = ''] = section.split('\n## ');
  const [table = ''] = own.split('\n### ');
  expect(cellsOf(table)).toEqual(cellsOf(messagingOptionsTable(options)));
});
