import { ERRORS, MillraceError, type Channel, type ErrorCode, type ErrorDetails } from '@millrace/core';
import type { Watermark } from '@millrace/storage';
import { logClosed, toLogError } from './errors.ts';
import type { LogSource } from './source.ts';

/** Messages carry this, so that a channel may be shared. */
const TOPIC = 'millrace.event-log';

interface Request {
  readonly topic: typeof TOPIC;
  readonly id: number;
  readonly method: 'partitions' | Exclude<keyof LogSource, 'partitions'>;
  readonly args: readonly unknown[];
}

interface Answer {
  readonly topic: typeof TOPIC;
  readonly id: number;
  readonly result?: unknown;
  readonly error?: { readonly code: ErrorCode; readonly message: string; readonly details: ErrorDetails };
}

/** Answers the reading end on the other side. A waiting reader costs one message when it can go on, none before. */
export function serveSource(channel: Channel, source: LogSource): void {
  const joined = new Set<string>();
  channel.onMessage((message) => {
    if (!isOurs(message) || !('method' in message)) return;
    void answer(message);
  });
  // A thread that died cannot leave: its groups must become free for the one that replaces it.
  let isClosed = false;
  channel.onClose?.(() => {
    isClosed = true;
    for (const group of joined) void source.leave(group);
    joined.clear();
  });

  async function answer({ id, method, args }: Request): Promise<void> {
    try {
      const result = await call(method, args);
      channel.post({ topic: TOPIC, id, result } satisfies Answer);
    } catch (error) {
      const { code, message, details } = toLogError(error);
      channel.post({ topic: TOPIC, id, error: { code, message, details } } satisfies Answer);
    }
  }

  async function join(group: string): Promise<void> {
    await source.join(group);
    // It may have died while the group was being registered.
    if (isClosed) await source.leave(group);
    else joined.add(group);
  }

  async function call(method: Request['method'], args: readonly unknown[]): Promise<unknown> {
    const [first, second, third] = args;
    switch (method) {
      case 'partitions':
        return source.partitions;
      case 'watermark':
        return source.watermark();
      case 'past':
        return source.past(first as number);
      case 'join':
        return join(first as string);
      case 'leave':
        joined.delete(first as string);
        return source.leave(first as string);
      case 'release':
        return source.release(first as string, second as number, third as number);
      case 'damaged':
        return source.damaged(first as string, second as string);
      default:
        throw new MillraceError('NOT_SUPPORTED', `the log's owner does not know "${String(method satisfies never)}"`);
    }
  }
}

/** The owner's source, seen through the channel. */
export async function connectSource(channel: Channel): Promise<LogSource & { close(): void }> {
  const waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  let requests = 0;
  let isClosed = false;
  channel.onMessage((message) => {
    if (!isOurs(message) || 'method' in message) return;
    const { id, result, error } = message;
    const request = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) request?.resolve(result);
    else
      request?.reject(new MillraceError(error.code in ERRORS ? error.code : 'INTERNAL', error.message, error.details));
  });
  const close = (): void => {
    isClosed = true;
    for (const request of waiting.values()) request.reject(logClosed());
    waiting.clear();
  };
  channel.onClose?.(close);

  const ask = async <T>(method: Request['method'], ...args: readonly unknown[]): Promise<T> => {
    if (isClosed) throw logClosed();
    const id = requests++;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    waiting.set(id, { resolve, reject });
    channel.post({ topic: TOPIC, id, method, args } satisfies Request);
    return promise as Promise<T>;
  };

  return {
    partitions: await ask<number>('partitions'),
    watermark: () => ask<Watermark>('watermark'),
    past: (offset) => ask<Watermark>('past', offset),
    join: (group) => ask('join', group),
    leave: (group) => ask('leave', group),
    release: (group, partition, below) => ask('release', group, partition, below),
    damaged: (place, reason) => {
      if (!isClosed)
        channel.post({ topic: TOPIC, id: requests++, method: 'damaged', args: [place, reason] } satisfies Request);
    },
    close,
  };
}

const isOurs = (message: unknown): message is Request | Answer =>
  typeof message === 'object' && message !== null && 'topic' in message && message.topic === TOPIC;
