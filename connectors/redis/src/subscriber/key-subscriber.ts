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
import { keyPlace } from '../key-place.ts';
import { KeySource } from './key-source.ts';

/** `redis://`: the values of keys, each one that is new or has changed since the last look. */
export const keySubscriber: SourceConnector = defineSource({
  options: defineOptions('redis', {
    ...connectionOptions,
    keyPrefix: stringOption({
      optional: true,
      description:
        'In front of the pattern, and not part of the key of a message; default: the path of the URL and `:`',
    }),
    keyPattern: stringOption({ default: '*', minLength: 1, description: 'Which keys, with `*`, `?` and `[...]`' }),
    deleteOnRead: booleanOption({
      default: false,
      description: 'Delete a key once its message is acknowledged, unless it has changed meanwhile',
    }),
    pollInterval: secondsOption({
      default: 0.1,
      min: 0.001,
      max: 86_400,
      description: 'Wait after all keys were looked at',
    }),
    scanCount: integerOption({ default: 500, min: 1, description: 'Keys that Redis looks at in one step' }),
  }),
  prepare: ({ url, text, values }) => {
    const { db, prefix } = keyPlace(url, values);
    const address = redisAddress(text, { ...values, db });
    // Lives as long as the subscriber: a new connection does not deliver everything again.
    const seen = new Map<string, string>();
    return { connect: (signal) => KeySource.connect(address, { ...values, prefix, seen }, signal) };
  },
});
