/** Opens the state in the directory given, says so, and holds it until it is killed. */
import { STATE_SCHEMA } from '../../../../testkit/src/state-events.ts';

import { openEmbeddedStateReader } from '../../src/state/reader.ts';

await openEmbeddedStateReader({ directory: process.argv[2]!, schema: STATE_SCHEMA, partitions: 4, keep: 5 });
process.send?.('open');
setInterval(() => undefined, 60_000);
