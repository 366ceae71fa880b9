import type { ChildProcess } from 'node:child_process';
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

/** The channel between a process and its child, from either side. */
export function processChannel(peer: ChildProcess | NodeJS.Process): Channel {
  return {
    post(message) {
      // A message that cannot be sent has no receiver any more, and `onClose` tells that.
      if (peer.connected) peer.send?.(message as object, undefined, undefined, () => {});
    },
    onMessage: (listener) => {
      peer.on('message', listener);
    },
    onClose: (listener) => {
      peer.once('disconnect', listener);
    },
    close() {
      if (peer.connected) peer.disconnect?.();
    },
  };
}
