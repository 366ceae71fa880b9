import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';

import { MillraceError } from '@millrace/core';

export interface EmbeddedUrl {
  /** The data directory as it was written, relative or absolute. */
  readonly path: string;
  /** Whether the key-value store syncs every write: `?sync=always`. */
  readonly syncAlways: boolean;
}

/**
 * Takes `embedded:PATH` or `embedded:PATH?sync=always` apart. The path stands as it is, without percent-encoding.
 *
 * @throws INVALID_OPTION
 */
export function parseEmbeddedUrl(url: string): EmbeddedUrl {
  const match = /^embedded:(?<path>(?!\/\/[^/])[^?]+)(?<query>\?sync=(?:always|second))?$/i.exec(url);
  const path = match?.groups?.['path'];
  if (path === undefined) {
    throw new MillraceError('INVALID_OPTION', `"${url}" is no URL of a data directory: write embedded:PATH`, {
      field: 'url',
      value: url,
      accepted: 'embedded:PATH, where PATH is a relative or absolute directory; ?sync=always may follow',
    });
  }
  return { path, syncAlways: match?.groups?.['query']?.toLowerCase() === '?sync=always' };
}

/**
 * One name per directory, however it was reached: LevelDB tells apart by name what is already open in this process, so
 * a second name for the same files would get past its lock.
 */
export function canonicalPath(path: string): Promise<string> {
  return realpath(resolve(path));
}
