import { readFile } from 'node:fs/promises';
import { defineOptions, messagingOptionsTable, type Options } from '@millrace/core';
import { tableBelow, tableRows } from '@millrace/testkit';
import { describe, expect, it } from 'vitest';

import { connectionOptions, plainAerospikeOptions } from '../src/connection-options.ts';
import { keyValueOptions } from '../src/key-value-store.ts';
import { stateOptions } from '../src/state/options.ts';

/** Those that are not the connection's. */
const own = ({ component, definitions }: Options): Options =>
  defineOptions(
    component,
    Object.fromEntries(Object.entries(definitions).filter(([name]) => !Object.hasOwn(connectionOptions, name))),
  );

describe('docs/aerospike-state.md has the options that the schemas make', () => {
  it.each<[string, Options]>([
    ['## The URL', plainAerospikeOptions],
    ['## Options of the state', own(stateOptions)],
    ['## Key-value store', own(keyValueOptions)],
  ])('%s', async (heading, options) => {
    const page = await readFile(new URL('../../../docs/aerospike-state.md', import.meta.url), 'utf8');
    expect(tableBelow(heading, page)).toEqual(tableRows(messagingOptionsTable(options)));
  });
});
