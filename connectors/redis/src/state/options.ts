import { defineOptions, durationOption, sizeOption, stringOption } from '@millrace/core';

import { connectionOptions } from '../address.ts';

/** What the URL of a state may say in its query. */
export const stateOptions = defineOptions('redis', {
  ...connectionOptions,
  prefix: stringOption({ default: 'millrace', minLength: 1, description: 'First part of all keys of the state' }),
  retryTimeout: durationOption({
    default: '10s',
    max: '1d',
    description: 'How long a commit or a query is tried again while Redis is away',
  }),
  cache: sizeOption({ default: '64MiB', description: 'Memory of a reader for the rollups that it has read' }),
});
