import { readFile } from 'node:fs/promises';

import { defineOptions, describeOptions, snakeCase, type OptionDefinitions } from '@millrace/core';
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

/** Cells of the table below a heading, without the padding that the formatter adds. */
function tableBelow(heading: string): string[][] {
  const start = page.indexOf(`\n${heading}\n`);
  expect(start, `docs/kafka.md has no "${heading}"`).not.toBe(-1);
  const lines = page.slice(start).split('\n');
  const first = lines.findIndex((line) => line.startsWith('|'));
  const end = lines.findIndex((line, i) => i > first && !line.startsWith('|'));
  return lines.slice(first + 2, end).map((line) =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const rowsOf = (definitions: OptionDefinitions): string[][] =>
  describeOptions(defineOptions('kafka', definitions)).map(({ name, default: preset, accepted, description }) => [
    `\`${snakeCase(name)}\``,
    preset === undefined ? '' : `\`${preset}\``,
    accepted,
    description,
  ]);

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
    expect(tableBelow(heading)).toEqual(rowsOf(definitions));
  });

  it('and no others for the event log', () => {
    expect(ownOf(eventLogOptions)).toEqual({});
  });
});
