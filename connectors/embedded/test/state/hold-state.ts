/** Opens the state with the options given as JSON, says so, and holds it until it is killed. */
import { openEmbeddedStateReader, type StateReaderOptions } from '../../src/state/reader.ts';

const [, , options = ''] = process.argv;
await openEmbeddedStateReader(JSON.parse(options) as StateReaderOptions);
process.send?.('open');
setInterval(() => undefined, 60_000);
