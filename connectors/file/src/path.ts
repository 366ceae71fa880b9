import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MillraceError } from '@millrace/core';

const ACCEPTED = 'file:PATH, relative to the working directory, or file:///PATH';

/**
 * The absolute path that a `file:` URL names. Taken from its text: a URL has no relative paths.
 *
 * @throws INVALID_ARGUMENT
 */
export function pathOf(text: string): string {
  const address = text.replace(/[?#].*$/s, '');
  try {
    if (/^file:\/\/(localhost)?\//i.test(address)) return fileURLToPath(address);
    const [, relative = ''] = /^file:(?!\/\/)(.*)$/is.exec(address) ?? [];
    if (relative !== '') return resolve(decodeURIComponent(relative));
  } catch (cause) {
    throw invalid(text, cause);
  }
  throw invalid(text);
}

function invalid(text: string, cause?: unknown): MillraceError {
  return new MillraceError('INVALID_ARGUMENT', `"${text}" is not ${ACCEPTED}`, {
    field: 'url',
    value: text,
    accepted: ACCEPTED,
    cause,
  });
}
