import { type ErrorCode, MillraceError } from '@millrace/core';

import type { RedisAddress } from './address.ts';

interface Meaning {
  readonly code: ErrorCode;
  /** What to do about it. */
  readonly advice: string;
}

const refused = (code: ErrorCode, advice: string): Meaning => ({ code, advice });
/** It is up, but cannot serve this now. */
const passing = (advice: string): Meaning => ({ code: 'UNAVAILABLE', advice });

/** First words of Redis's error replies, and what they mean to a caller. All others are REFUSED. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  NOAUTH: refused('UNAUTHORIZED', 'it wants a password'),
  WRONGPASS: refused('UNAUTHORIZED', 'check user and password'),
  NOPERM: refused('UNAUTHORIZED', 'allow it to this user by ACL SETUSER'),
  WRONGTYPE: refused('REFUSED', 'something else has this key: choose another name or prefix'),
  MOVED: refused('REFUSED', 'it is a node of a Cluster: say cluster=true'),
  CROSSSLOT: refused('REFUSED', 'it is a node of a Cluster: say cluster=true'),
  BUSY: passing('a script runs for too long there'),
  CLUSTERDOWN: passing('a part of the Cluster is down, see CLUSTER INFO'),
  LOADING: passing('it is still loading its data'),
  MASTERDOWN: passing('it is a replica whose master is away'),
  MISCONF: passing('it cannot write to its disk: look into its log'),
  NOREPLICAS: passing('too few of its replicas are connected'),
  OOM: passing('its maxmemory is reached: raise it, or remove data'),
  READONLY: passing('it is a replica: name the master, or the Sentinels'),
  TRYAGAIN: passing('these keys are moving to another node'),
  UNBLOCKED: passing('it is no longer the master'),
};

/** Replies that begin with ERR like all others, by a part of their text. */
const TEXTS: readonly (readonly [RegExp, Meaning])[] = [
  [/max number of clients/, passing('raise maxclients, or close other connections')],
  [/^ERR Script attempted to (access a non local key|execute)/, passing('a slot of the Cluster is moving, or down')],
  [/executing the script can't run/, MEANINGS['NOPERM']!],
  [/\bAUTH\b/, refused('UNAUTHORIZED', 'check user and password')],
  [/DB index is out of range/, refused('INVALID_OPTION', 'it has fewer databases: lower db')],
  [/No such master/, refused('INVALID_OPTION', 'the Sentinels watch no master of this name: correct sentinel')],
];

/** Driver errors of this class are answers of the server: the connection is sound. */
const REPLY = 'ReplyError';

/**
 * A failure of the driver as Millrace's own: UNAUTHORIZED, INVALID_OPTION or REFUSED for what Redis will never take,
 * UNAVAILABLE for everything that may pass. After UNAVAILABLE, what was under way is in doubt unless Redis answered.
 */
export function redisError(error: unknown, { display }: RedisAddress): MillraceError {
  if (error instanceof MillraceError) return error;
  const failure = error instanceof Error ? error : new Error(String(error));
  const options = { field: 'url', value: display, cause: error };
  const reply = replyIn(failure);
  if (reply === undefined) {
    return new MillraceError('UNAVAILABLE', `Redis at ${display} cannot be reached: ${failure.message}`, options);
  }
  const meaning = MEANINGS[/^\w+/.exec(reply)?.[0] ?? ''] ?? TEXTS.find(([text]) => text.test(reply))?.[1];
  const advice = meaning === undefined ? '' : ` (${meaning.advice})`;
  return new MillraceError(meaning?.code ?? 'REFUSED', `Redis at ${display} answered: ${reply}${advice}`, options);
}

/** Whether Redis itself answered with an error, so that the connection may be used further. */
export const isReply = (error: unknown): boolean => error instanceof Error && error.name === REPLY;

/** Whether it tells what Redis itself answered. */
export const hasReply = (error: unknown): boolean => error instanceof Error && replyIn(error) !== undefined;

/** Redis's own words, also where the driver tells only that no node or no Sentinel would do; undefined without any. */
function replyIn(error: Error): string | undefined {
  if (isReply(error)) return error.message;
  const { lastNodeError } = error as { readonly lastNodeError?: unknown };
  if (lastNodeError instanceof Error) return replyIn(lastNodeError);
  return /\bLast error: ([A-Z]+ .*)$/s.exec(error.message)?.[1];
}
