import { describeStateStore } from '@millrace/testkit';

import { openStore } from './fixture.ts';

describeStateStore('embedded state store', { open: openStore });
// With a dictionary that is soon full, both forms of a value occur side by side.
describeStateStore('embedded state store, full dictionaries', {
  open: (options) => openStore({ ...options, dictionaryLimit: 2 }),
});
