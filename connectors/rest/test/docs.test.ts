import { readFile } from 'node:fs/promises';
import { messagingOptionsTable } from '@millrace/core';
import { restSinkOptions, restSourceOptions } from '@millrace/rest';
import { expect, it } from 'vitest';

/** Cells without the padding that the formatter adds. */
function cellsOf(text: string): string[][] {
  const lines = text.split('\n').filter((line) => line.startsWith('|') && !/^\|[ |-]+$/.test(line));
  return lines.map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()));
}

it.each([
  ['### Options of a publisher', restSinkOptions],
  ['### Options of a subscriber', restSourceOptions],
])('docs/rest.md has under "%s" the table that its options make', async (heading, options) => {
  const text = await readFile(new URL('../../../docs/rest.md', import.meta.url), 'utf8');
  const [, section = ''] = text.split(`\n${heading}\n`);
  const [own = ''] = section.split('\n## ');
  expect(cellsOf(own)).toEqual(cellsOf(messagingOptionsTable(options)));
});
