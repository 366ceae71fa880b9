import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { createLogger, openLogReader, openStateWriter, toMillraceError, type Channel } from '@millrace/core';
import type { Command, Report, WorkerSettings } from './messages.ts';
import { portChannel } from './port-channel.ts';
import { createProcessor, type Processor } from './processor.ts';

/**
 * Entry of the processor's thread: reads the log, writes the state. Its owner is {@link startProcessorHost} on the main
 * thread, which also restarts it.
 */
async function main(settings: WorkerSettings, channel: Channel): Promise<void> {
  const report = (message: Report): void => channel.post(message);
  const logger = createLogger({
    level: settings.logLevel,
    name: 'processor',
    destination: { write: (line) => report({ type: 'log', line }) },
  });
  const state = await openStateWriter(settings.stateUrl, { ...settings.state, logger });
  const logChannel = portChannel(settings.logPort);
  const log = await openLogReader(settings.logUrl, { channel: logChannel });
  const processor = createProcessor(
    { log, state, logger, now: Date.now, onProgress: (progress) => report({ type: 'progress', progress }) },
    { group: settings.group },
  );
  const stopping = new AbortController();
  channel.onMessage((command) => {
    obey(command as Command, processor, stopping).catch((error: unknown) => fail(error, channel));
  });
  report({ type: 'ready' });
  await processor.run(stopping.signal);
  await log.close();
  logChannel.close();
  await state.close();
  channel.close();
}

async function obey(command: Command, processor: Processor, stopping: AbortController): Promise<void> {
  if (command.type === 'pause') processor.pause();
  else processor.resume();
  if (command.type !== 'stop') return;
  await Promise.race([processor.drain(), sleep(command.drainMs, undefined, { ref: false })]);
  stopping.abort();
}

function fail(error: unknown, channel: Channel): void {
  const { code, message } = toMillraceError(error);
  channel.post({ type: 'failed', code, message } satisfies Report);
  // Whatever is half done is not committed; the next worker starts from what is.
  process.exit(1);
}

if (parentPort === null) throw new Error('the processor worker is started by its host only');
const owner = portChannel(parentPort);
main(workerData as WorkerSettings, owner).catch((error: unknown) => fail(error, owner));
