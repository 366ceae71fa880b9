import { defineOptions, durationOption, sizeOption, stringOption } from '@millrace/core';

import { connectionOptions } from '../connection-options.ts';

/** What the URL of a state may say in its query. */
export const stateOptions = defineOptions('aerospike', {
  ...connectionOptions,
  aggregatesNamespace: stringOption({
    optional: true,
    minLength: 1,
    description: 'Namespace of the rollups; default: the one of the URL, which has everything else',
  }),
  retryTimeout: durationOption({
    default: '10s',
    description: 'How long a commit or a query is tried again while the cluster is away',
  }),
  cache: sizeOption({ default: '64MiB', description: 'Memory of a reader for the rollups that it has read' }),
});
