import { readFile } from 'node:fs/promises';

import { describeOptions, snakeCase } from '@millrace/core';
import { expect, it } from 'vitest';

import { connectionOptions } from '../../src/connection-options.ts';
import { publisherOptions } from '../../src/publisher/options.ts';

const page = await readFile(new URL('../../../../docs/aerospike.md', import.meta.url), 'utf8');

it('docs/aerospike.md has the options of the publisher that the schema makes', () => {
  const lines = page.slice(page.indexOf('<!-- options of the publisher')).split('\n');
  const first = lines.findIndex((line) => line.startsWith('|'));
  const end = lines.findIndex((line, at) => at > first && !line.startsWith('|'));
  const table = lines.slice(first + 2, end).map((line) =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  const rows = describeOptions(publisherOptions)
    .filter(({ name }) => !Object.hasOwn(connectionOptions, name))
    .map(({ name, default: preset, accepted, description }) => [
      `\`${snakeCase(name)}\``,
      preset === undefined ? '' : `\`${preset}\``,
      accepted,
      description,
    ]);
  expect(table).toEqual(rows);
});
