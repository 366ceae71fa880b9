import { MillraceError } from '@millrace/core';

/** Nobody else is in the process of a command: what it publishes there ends with it, and nothing ever comes. @throws NOT_SUPPORTED */
export function refuseMemory(command: string, url: string): void {
  if (!/^(?:memory|mem|inmemory):/i.test(url)) return;
  const message =
    `${command} cannot use memory: URLs: their queues live in one process, and this one is the command's own. ` +
    'Use file:, redis://, kafka:// ... here, and memory: within one program';
  throw new MillraceError('NOT_SUPPORTED', message, {
    field: 'url',
    value: url,
    accepted: 'a URL that other processes reach',
  });
}
