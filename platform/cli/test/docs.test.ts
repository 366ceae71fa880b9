import { readFile } from 'node:fs/promises';
import { optionsTable } from '@millrace/core';
import { tableBelow, tableRows } from '@millrace/testkit';
import { describe, expect, it } from 'vitest';
import { commands } from '../src/commands/index.ts';
import { originalOptions } from '../src/original-options.ts';

const [page, configuration] = (await Promise.all(
  ['cli', 'configuration'].map((name) => readFile(new URL(`../../../docs/${name}.md`, import.meta.url), 'utf8')),
)) as [string, string];

function sectionOf(name: string): string {
  const heading = new RegExp(String.raw`^## \`millrace ${name}( [A-Z[\]]+)?\`$`, 'm').exec(page);
  expect(heading, `docs/cli.md has no section on ${name}`).not.toBeNull();
  const rest = page.slice(heading?.index);
  return rest.slice(0, rest.includes('\n## ') ? rest.indexOf('\n## ') : undefined);
}

describe.each(commands)('docs/cli.md on $name', ({ name, summary, examples, options }) => {
  it('has the table that its options make', () => {
    expect(tableRows(sectionOf(name))).toEqual(tableRows(optionsTable(options)));
  });

  it('has its summary and its examples', () => {
    for (const text of [summary, ...examples]) expect(sectionOf(name)).toContain(text);
  });
});

it('docs/configuration.md has the table of the original variables', () => {
  const heading = configuration.split('\n').find((line) => line.startsWith('<!-- options of original'));
  expect(tableBelow(heading ?? 'none', configuration)).toEqual(tableRows(optionsTable(originalOptions)));
});
