import { defineOptions, integerOption, MillraceError } from '@millrace/core';

export const DEFAULT_MAX_SIZE = 100_000;

export const memoryOptions = defineOptions('memory', {
  maxSize: integerOption({
    optional: true,
    min: 1,
    description: `Messages that the queue holds, or the topic for each subscriber; who opens it first decides. Default ${DEFAULT_MAX_SIZE}`,
  }),
});

/** What a `memory:` URL names. */
export interface Place {
  readonly kind: 'queue' | 'topic';
  readonly name: string;
  /** As the URL says it; undefined when it does not. */
  readonly maxSize: number | undefined;
}

const ACCEPTED = 'memory://queue/NAME or memory://topic/NAME, optionally with ?max_size=N';

/**
 * Only the part after `memory://` says what it is: a topic may be called `my_queue_x`.
 *
 * @throws INVALID_ARGUMENT
 */
export function parsePlace(url: string, maxSize: number | undefined): Place {
  const [, kind, path] = /^[a-z]+:\/\/(queue|topic)\/([^?#]+)/i.exec(url) ?? [];
  if (kind === undefined || path === undefined) throw invalid(url, `"${url}" is not ${ACCEPTED}`);
  return { kind: kind.toLowerCase() === 'queue' ? 'queue' : 'topic', name: decodeName(url, path), maxSize };
}

function decodeName(url: string, path: string): string {
  try {
    return decodeURIComponent(path);
  } catch (cause) {
    throw invalid(url, `"${url}" has a broken percent escape in its name`, cause);
  }
}

function invalid(url: string, message: string, cause?: unknown): MillraceError {
  return new MillraceError('INVALID_ARGUMENT', message, { field: 'url', value: url, accepted: ACCEPTED, cause });
}
