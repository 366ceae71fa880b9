/** A process, or a worker thread, that opens the data directory given to it and holds it until it is ended. */
import { openDataDirectory } from '../src/data-directory.ts';

const path = process.env['DATA_DIRECTORY'];
if (path === undefined) throw new Error('DATA_DIRECTORY is not set');
await openDataDirectory(path);
process.stdout.write('open\n');
setInterval(() => undefined, 1000);
