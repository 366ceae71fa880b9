import { describeStateStore } from '@millrace/testkit';
import { describe } from 'vitest';

import { withNamespace } from '../servers.ts';
import { stateFixture } from './fixture.ts';

describe('on two nodes', () => {
  const url = withNamespace({ nodes: 2 });
  describeStateStore('aerospike state store', stateFixture(url));
  // With a dictionary that is soon full, both forms of a value occur side by side.
  describeStateStore('aerospike state store, full dictionaries', stateFixture(url, { dictionaryLimit: 2 }));
});
