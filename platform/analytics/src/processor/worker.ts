import { parentPort, workerData } from 'node:worker_threads';
import { portChannel } from './channels.ts';
import type { ThreadSettings } from './messages.ts';
import { runWorker } from './run-worker.ts';

/** Entry of the processor's thread. */
if (parentPort === null) throw new Error('the processor worker is started by its host only');
const { logPort, ...settings } = workerData as ThreadSettings;
const owner = portChannel(parentPort);
const logChannel = logPort === undefined ? undefined : portChannel(logPort);
const code = await runWorker(settings, owner, logChannel);
// Not by itself: a failure leaves things open, and a driver its timers.
process.exit(code);
