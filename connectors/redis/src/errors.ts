import { type ErrorCode, MillraceError } from '@millrace/core';

import type { RedisAddress } from './address.ts';

/** First words of Redis's error replies, and what they mean to a caller. All others are REFUSED. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  NOAUTH: 'UNAUTHORIZED',
  WRONGPASS: 'UNAUTHORIZED',
  NOPERM: 'UNAUTHORIZED',
  // It is up, but cannot serve this now.
  BUSY: 'UNAVAILABLE',
  CLUSTERDOWN: 'UNAVAILABLE',
  LOADING: 'UNAVAILABLE',
  MASTERDOWN: 'UNAVAILABLE',
  MISCONF: 'UNAVAILABLE',
  NOREPLICAS: 'UNAVAILABLE',
  OOM: 'UNAVAILABLE',
  READONLY: 'UNAVAILABLE',
  TRYAGAIN: 'UNAVAILABLE',
  UNBLOCKED: 'UNAVAILABLE',
};

/** Driver errors of this class are answers of the server: the connection is sound. */
const REPLY = 'ReplyError';

/**
 * A failure of the driver as Millrace's own: UNAUTHORIZED or REFUSED for what Redis will never take, UNAVAILABLE for
 * everything that may pass. After UNAVAILABLE, what was under way is in doubt unless Redis answered.
 */
export function redisError(error: unknown, { display }: RedisAddress): MillraceError {
  if (error instanceof MillraceError) return error;
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const options = { field: 'url', value: display, cause: error };
  if (name !== REPLY) {
    return new MillraceError('UNAVAILABLE', `Redis at ${display} cannot be reached: ${message}`, options);
  }
  const code = CODES[/^\w+/.exec(message)?.[0] ?? ''] ?? (/\bAUTH\b/.test(message) ? 'UNAUTHORIZED' : 'REFUSED');
  return new MillraceError(code, `Redis at ${display} answered: ${message}`, options);
}

/** Whether Redis itself answered with an error, so that the connection may be used further. */
export const isReply = (error: unknown): boolean => error instanceof Error && error.name === REPLY;
