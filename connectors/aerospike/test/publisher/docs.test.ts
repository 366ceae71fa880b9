import { readFile } from 'node:fs/promises';

import { defineOptions, messagingOptionsTable } from '@millrace/core';
import { tableBelow, tableRows } from '@millrace/testkit';
import { expect, it } from 'vitest';

import { connectionOptions } from '../../src/connection-options.ts';
import { publisherOptions } from '../../src/publisher/options.ts';

const page = await readFile(new URL('../../../../docs/aerospike.md', import.meta.url), 'utf8');

it('docs/aerospike.md has the options of the publisher that the schema makes', () => {
  const { component, definitions } = publisherOptions;
  const own = Object.entries(definitions).filter(([name]) => !Object.hasOwn(connectionOptions, name));
  expect(tableBelow('<!-- options of the publisher, made from the schema -->', page)).toEqual(
    tableRows(messagingOptionsTable(defineOptions(component, Object.fromEntries(own)))),
  );
});
