import type { MessagePort } from 'node:worker_threads';

import type { Channel } from '@millrace/core';

export function portChannel(port: MessagePort): Channel {
  return {
    post: (message) => port.postMessage(message),
    onMessage: (listener) => void port.on('message', listener),
    onClose: (listener) => void port.on('close', listener),
    close: () => port.close(),
  };
}
