import { describeKeyValueStore } from '@millrace/testkit';
import { describe } from 'vitest';

import { openAerospikeKeyValueStore } from '../src/key-value-store.ts';
import { withNamespace, withSet } from './servers.ts';

describe('on two nodes', () => {
  const url = withNamespace({ nodes: 2 });
  describeKeyValueStore('aerospike', {
    open: async () => {
      const store = await openAerospikeKeyValueStore(withSet(url()));
      return { store, close: () => store.close() };
    },
  });
});
