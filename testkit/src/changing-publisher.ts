import type { Message, Publisher } from '@millrace/core';

/** A publisher that changes each message first: so the shared suite runs where a message needs more than it has. */
export function changingPublisher(inner: Publisher, change: (message: Message) => Message): Publisher {
  return {
    name: inner.name,
    start: () => inner.start(),
    publish: async (message, options) => inner.publish(change(message), options),
    enqueue: async (message, options) => inner.enqueue(change(message), options),
    flush: () => inner.flush(),
    suspend: () => inner.suspend(),
    resume: () => inner.resume(),
    isRunning: () => inner.isRunning(),
    details: () => inner.details(),
    close: (options) => inner.close(options),
  };
}
