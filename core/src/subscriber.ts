import type { Message } from './publisher.ts';

/**
 * Receives messages from somewhere, one at a time and in order. Pull with `next`, or iterate.
 *
 * @example
 * const subscriber = await openSubscriber('memory://queue/orders');
 * const first = await subscriber.next({ timeoutMs: 1000 });   // undefined when nothing came
 * for await (const message of subscriber) console.log(message.value);   // until closed
 */
export interface Subscriber extends AsyncIterable<Message> {
  /**
   * The next message; waits for ever without `timeoutMs`, not at all with 0.
   * Undefined when the time is over or the subscriber is closed and drained.
   *
   * Giving up loses nothing: a message that comes later is for the next call.
   *
   * @throws CANCELLED when the signal aborts
   */
  next(options?: { readonly timeoutMs?: number; readonly signal?: AbortSignal }): Promise<Message | undefined>;
  /** Stops receiving; what has been received can still be read. Closing twice is harmless. */
  close(): Promise<void>;
}
