import { randomUUID } from 'node:crypto';
import {
  booleanOption,
  defineOptions,
  defineSource,
  integerOption,
  secondsOption,
  type SourceConnector,
  stringOption,
} from '@millrace/core';
import { connectionOptions, redisAddress } from '../address.ts';
import { requireName } from '../path.ts';
import { parseStreamPlace } from './stream-place.ts';
import { type Reading, StreamReader } from './stream-reader.ts';
import { StreamSource } from './stream-source.ts';

const options = defineOptions('redisstream', {
  ...connectionOptions,
  group: stringOption({
    optional: true,
    minLength: 1,
    description: 'Consumer group; default: the name of the subscriber',
  }),
  consumer: stringOption({
    optional: true,
    minLength: 1,
    description:
      'Name within the group; what it had not acknowledged comes first when it is back. Default: a new one for every subscriber',
  }),
  from: stringOption({
    optional: true,
    minLength: 1,
    description:
      'Where to begin: `earliest`, `latest`, the ID of an entry, or a UTC time. Without `group` it reads without a group; with one, this is for a new group, by default `earliest`',
  }),
  claimIdle: secondsOption({
    default: 30,
    min: 0.1,
    description: 'Take over what a consumer holds that has not been heard of for so long',
  }),
  maxDepth: integerOption({
    default: 1000,
    min: 1,
    description:
      'As for every subscriber: messages received ahead of the application, which the other consumers do not get',
  }),
  trimAcknowledged: booleanOption({
    default: false,
    description: 'Remove entries that all groups of the stream have acknowledged',
  }),
});

/** `redisstream://host/STREAM`: a member of a consumer group, with acknowledgement; or a reader that only looks. */
export const streamSubscriber: SourceConnector = defineSource({
  options,
  prepare: ({ url, text, display, values, name }) => {
    const stream = requireName(url, display, 'stream');
    const address = redisAddress(text, values);
    const from = parseStreamPlace(values.from ?? 'earliest');
    if (values.from !== undefined && values.group === undefined) {
      const reading: Reading = { stream, place: from };
      return { connect: (signal) => StreamReader.connect(address, reading, signal) };
    }
    const group = values.group ?? name;
    // The same for every connection of this subscriber: what was under way comes back to it at once.
    const consumer = values.consumer ?? `${name}-${randomUUID()}`;
    const isNamed = values.consumer !== undefined;
    return {
      maxDepth: values.maxDepth,
      connect: (signal) => StreamSource.connect(address, { ...values, from, stream, group, consumer, isNamed }, signal),
    };
  },
});
