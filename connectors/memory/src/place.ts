import { MillraceError, nearestSpelling } from '@millrace/core';

export const DEFAULT_MAX_SIZE = 100_000;

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
export function parsePlace(url: string): Place {
  const [, kind, path, query] = /^memory:\/\/(queue|topic)\/([^?#]+)(?:\?([^#]*))?$/i.exec(url) ?? [];
  if (kind === undefined || path === undefined) throw invalid(url, `"${url}" is not ${ACCEPTED}`);
  return {
    kind: kind.toLowerCase() === 'queue' ? 'queue' : 'topic',
    name: decodeName(url, path),
    maxSize: maxSizeIn(url, new URLSearchParams(query)),
  };
}

function decodeName(url: string, path: string): string {
  try {
    return decodeURIComponent(path);
  } catch (cause) {
    throw invalid(url, `"${url}" has a broken percent escape in its name`, cause);
  }
}

function maxSizeIn(url: string, query: URLSearchParams): number | undefined {
  for (const parameter of query.keys()) {
    if (parameter === 'max_size') continue;
    const hint =
      nearestSpelling(parameter, ['max_size']) === undefined ? 'there is max_size' : 'did you mean max_size?';
    throw invalid(url, `"${url}": the parameter ${parameter} is unknown: ${hint}`);
  }
  const text = query.get('max_size');
  if (text === null) return undefined;
  const size = /^\d+$/.test(text) ? Number(text) : 0;
  if (size >= 1 && Number.isSafeInteger(size)) return size;
  throw invalid(url, `"${url}": max_size is not an integer from 1 up`);
}

function invalid(url: string, message: string, cause?: unknown): MillraceError {
  return new MillraceError('INVALID_ARGUMENT', message, { field: 'url', value: url, accepted: ACCEPTED, cause });
}
