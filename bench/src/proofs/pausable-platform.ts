import { createPlatform, localPlatformOptions } from '@millrace/analytics';
import { createLogger } from '@millrace/core';

/**
 * The platform in a child process whose processor can be stopped, which nothing outside it could do to one thread.
 * Argument: the data directory. Takes `pause`, `resume` and `stop` over IPC; answers each, with its memory.
 */
export type PausableCommand = 'pause' | 'resume' | 'memory' | 'stop';
export type PausableAnswer = { readonly url: string } | { readonly rss: number };

const [, , directory = ''] = process.argv;
const platform = createPlatform(localPlatformOptions(directory, createLogger({ level: 'warn', name: 'platform' })));

async function obey(command: PausableCommand): Promise<void> {
  if (command === 'pause') platform.processor?.pause();
  if (command === 'resume') platform.processor?.resume();
  if (command === 'stop') await platform.stop();
  answer({ rss: process.memoryUsage.rss() });
  if (command === 'stop') process.disconnect();
}

const answer = (message: PausableAnswer): void => {
  process.send?.(message);
};

process.on('message', (command: PausableCommand) => void obey(command));
answer(await platform.start());
