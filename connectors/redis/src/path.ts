import { MillraceError } from '@millrace/core';

/** The path of a URL without its leading slash, percent-decoded: the name of a channel or stream. */
export function namedInPath({ pathname }: URL): string {
  try {
    return decodeURIComponent(pathname.replace(/^\//, ''));
  } catch (cause) {
    throw new MillraceError('INVALID_OPTION', 'the URL has a % that two hexadecimal digits must follow', {
      field: 'url',
      accepted: 'percent-encoded text: write % as %25',
      cause,
    });
  }
}

/** @throws INVALID_ARGUMENT when the URL names none */
export function requireName(url: URL, display: string, what: string): string {
  const name = namedInPath(url);
  if (name !== '') return name;
  throw new MillraceError('INVALID_ARGUMENT', `${display} names no ${what}: write it behind the host`, {
    field: 'url',
    value: display,
    accepted: `${url.protocol}//host[:port]/${what.toUpperCase()}`,
  });
}
