import { readFile } from 'node:fs/promises';
import { describeOptions, type Options } from '@millrace/core';
import { tableBelow } from '@millrace/testkit';
import { describe, expect, it } from 'vitest';

import { connectionOptions, plainRedisOptions } from '../src/address.ts';
import { eventLogOptions } from '../src/event-log/options.ts';
import { keyValueOptions } from '../src/key-value-store.ts';
import { keyPublisher } from '../src/publisher/key-publisher.ts';
import { channelPublisher } from '../src/publisher/channel-publisher.ts';
import { streamPublisher } from '../src/publisher/stream-publisher.ts';
import { channelSubscriber } from '../src/subscriber/channel-subscriber.ts';
import { stateOptions } from '../src/state/options.ts';
import { keySubscriber } from '../src/subscriber/key-subscriber.ts';
import { streamSubscriber } from '../src/subscriber/stream-subscriber.ts';

const pageOf = (name: string): Promise<string> => readFile(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');

const rowsOf = (options: Options, all = false): string[][] =>
  describeOptions(options)
    .filter(({ name }) => all || !Object.hasOwn(connectionOptions, name))
    .map(({ key, default: preset, accepted, description }) => [
      `\`${key}\``,
      preset === undefined ? '' : `\`${preset}\``,
      accepted,
      description.replaceAll('|', '\\|'),
    ]);

describe('docs/redis.md has the options that the schemas make', () => {
  it.each([
    ['## The URL', rowsOf(plainRedisOptions, true)],
    ['### Options of the log', rowsOf(eventLogOptions)],
    ['### Publishing keys', rowsOf(keyPublisher.options)],
    ['### Subscribing to keys', rowsOf(keySubscriber.options)],
    ['### Subscribing to channels', rowsOf(channelSubscriber.options)],
    ['### Publishing to streams', rowsOf(streamPublisher.options)],
    ['### Subscribing to streams', rowsOf(streamSubscriber.options)],
  ])('%s', async (heading, rows) => {
    expect(tableBelow(heading, await pageOf('redis.md')).slice(1)).toEqual(rows);
  });

  it('and none for publishing to channels, which has no options of its own', () => {
    expect(rowsOf(channelPublisher.options)).toEqual([]);
  });
});

describe('docs/redis-state.md has the options that the schemas make', () => {
  it.each([
    ['## Options of the state', rowsOf(stateOptions)],
    ['### Options of the key-value store', rowsOf(keyValueOptions)],
  ])('%s', async (heading, rows) => {
    expect(tableBelow(heading, await pageOf('redis-state.md')).slice(1)).toEqual(rows);
  });
});
