import { readFile } from 'node:fs/promises';

import { defineOptions, messagingOptionsTable, type OptionDefinitions } from '@millrace/core';
import { tableBelow, tableRows } from '@millrace/testkit';
import { describe, expect, it } from 'vitest';

import {
  connectionOptions,
  consumerOptions,
  eventLogOptions,
  producerOptions,
  publisherOptions,
  subscriberOptions,
  topicOptions,
} from '../src/index.ts';

const page = await readFile(new URL('../../../docs/kafka.md', import.meta.url), 'utf8');
const shared = { ...connectionOptions, ...producerOptions, ...consumerOptions, ...topicOptions };

const rowsOf = (definitions: OptionDefinitions): string[][] =>
  tableRows(messagingOptionsTable(defineOptions('kafka', definitions)));

const ownOf = ({ definitions }: { readonly definitions: OptionDefinitions }): OptionDefinitions =>
  Object.fromEntries(Object.entries(definitions).filter(([name]) => !Object.hasOwn(shared, name)));

describe('docs/kafka.md has the options that the schemas make', () => {
  it.each([
    ['### Connections', connectionOptions],
    ['### Sending', producerOptions],
    ['### Receiving', consumerOptions],
    ['### Making a topic', topicOptions],
    ['### Publishers', ownOf(publisherOptions)],
    ['### Subscribers', ownOf(subscriberOptions)],
  ])('%s', (heading, definitions) => {
    expect(tableBelow(heading, page)).toEqual(rowsOf(definitions));
  });

  it('and no others for the event log', () => {
    expect(ownOf(eventLogOptions)).toEqual({});
  });
});
