import { MillraceError } from '../errors.ts';
import { snakeCase } from './config.ts';
import { publisherOptions } from './publisher-options.ts';
import type { PublisherValues } from './publisher-options.ts';

const TRIES_ON = 'a message that is on disk has been accepted, and is tried until the target takes or refuses it';

/** Options that a write-ahead buffer cannot keep to, and why. */
const IMPOSSIBLE = {
  queueType: 'messages are sent in the order in which they came to be on disk',
  resilient: TRIES_ON,
  retryMax: TRIES_ON,
  afterRetries: TRIES_ON,
  bufferMaxMessages: 'its bound is wal_max_bytes',
  bufferOverflow: 'callers wait while it is full, or `overflow` decides',
} as const satisfies { readonly [name in keyof PublisherValues]?: string };

/** @throws INVALID_OPTION where one of them is set */
export function checkWalOptions(who: string, values: PublisherValues): void {
  for (const [key, reason] of Object.entries(IMPOSSIBLE)) {
    const name = key as keyof typeof IMPOSSIBLE;
    const value = values[name];
    if (value === publisherOptions.definitions[name].default) continue;
    const field = snakeCase(name);
    const message = `${who}: ${field} cannot be used together with wal: ${reason}`;
    throw new MillraceError('INVALID_OPTION', message, { field, value, accepted: 'one of the two' });
  }
}
