import type { MessagePort } from 'node:worker_threads';
import type { Channel } from '@millrace/core';

/** A message port as core's channel. */
export function portChannel(port: MessagePort): Channel {
  return {
    post: (message) => port.postMessage(message),
    onMessage: (listener) => {
      port.on('message', listener);
    },
    onClose: (listener) => {
      port.once('close', listener);
    },
    close: () => port.close(),
  };
}
