import { tracingChannel } from 'node:diagnostics_channel';
import type { EventEmitter } from 'node:events';

const CONNECTS = 'plt:kafka:connections:connects';

/**
 * Keeps a second error of one of the driver's connections from ending the process. The driver listens for one: a reset
 * that follows a failed login would be thrown. What was under way on the connection is told of its end by the driver.
 */
export function tolerateLateErrors(): void {
  tracingChannel(CONNECTS).start.subscribe(listen);
}

function listen(message: unknown): void {
  const { connection } = message as { readonly connection: EventEmitter };
  if (!connection.listeners('error').includes(forget)) connection.on('error', forget);
}

const forget = (): void => {};
