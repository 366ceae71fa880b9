import { setTimeout as sleep } from 'node:timers/promises';
import { createLogger, openLogReader, openStateWriter, toMillraceError, type Channel } from '@millrace/core';
import { checkPartitions } from '../backends.ts';
import { isOurs, type Command, type Report, type WorkerSettings } from './messages.ts';
import { createProcessor, type Processor } from './processor.ts';

/**
 * A processor in a thread or process of its own: reads the log, writes the state, until its owner stops it. The owner is
 * the host that launched it, which also restarts it. Never rejects: resolves with the exit code, after telling the owner
 * what went wrong. Whatever is half done then is not committed; the next worker starts from what is.
 */
export async function runWorker(
  settings: WorkerSettings,
  owner: Channel,
  logChannel: Channel | undefined,
): Promise<0 | 1> {
  const failure = Promise.withResolvers<never>();
  try {
    await Promise.race([run(settings, owner, logChannel, failure.reject), failure.promise]);
    return 0;
  } catch (error) {
    const { code, message } = toMillraceError(error);
    owner.post({ type: 'failed', code, message } satisfies Report);
    return 1;
  }
}

async function run(
  settings: WorkerSettings,
  owner: Channel,
  logChannel: Channel | undefined,
  fail: (error: unknown) => void,
): Promise<void> {
  const report = (message: Report): void => owner.post(message);
  const opened = Promise.withResolvers<Processor>();
  const stopping = new AbortController();
  // Listens from the start: a stop may come while log and state are being opened.
  owner.onMessage((message) => {
    if (isOurs(message)) opened.promise.then((it) => obey(message as Command, it, stopping)).catch(fail);
  });
  const logger = createLogger({
    level: settings.logLevel,
    name: 'processor',
    destination: { write: (line) => report({ type: 'log', line }) },
  });
  const state = await openStateWriter(settings.stateUrl, { ...settings.state, logger });
  const log = await openLogReader(settings.logUrl, logChannel === undefined ? {} : { channel: logChannel });
  checkPartitions(log, settings.state.partitions);
  const { group, shared } = settings;
  const processor = createProcessor(
    { log, state, logger, now: Date.now, onProgress: (progress) => report({ type: 'progress', progress }) },
    { group, shared },
  );
  opened.resolve(processor);
  report({ type: 'ready' });
  await processor.run(stopping.signal);
  await log.close();
  await state.close();
}

async function obey(command: Command, processor: Processor, stopping: AbortController): Promise<void> {
  if (command.type === 'pause') processor.pause();
  else processor.resume();
  if (command.type !== 'stop') return;
  await Promise.race([processor.drain(), sleep(command.drainMs, undefined, { ref: false })]);
  stopping.abort();
}
