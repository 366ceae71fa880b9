import { processChannel } from './channels.ts';
import { isOurs, type Command } from './messages.ts';
import { runWorker } from './run-worker.ts';

/** Entry of the processor's process. */
if (process.send === undefined) throw new Error('the processor child is started by its host only');
const owner = processChannel(process);
// Ctrl-C and a supervisor's SIGTERM reach the whole group of processes; the owner says when it is this one's turn.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
// Also when the owner has died: nobody would stop this process.
owner.onClose?.(() => process.exit());
process.exitCode = 1;
let started = false;
owner.onMessage((message) => {
  if (started || !isOurs(message)) return;
  started = true;
  void main(message as Command);
});

async function main(command: Command): Promise<void> {
  if (command.type === 'start') {
    const { settings } = command;
    process.exitCode = await runWorker(settings, owner, settings.logServed ? owner : undefined);
  }
  // What was posted goes out before the channel closes, which ends the process.
  owner.close();
}
