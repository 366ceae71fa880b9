import { MillraceError } from './errors.ts';

/** The text of a percent-encoded part of a URL that names a backend. @throws INVALID_OPTION */
export function decodeUrlPart(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new MillraceError('INVALID_OPTION', 'the URL has a % that two hexadecimal digits must follow', {
      field: 'url',
      accepted: 'percent-encoded text: write % as %25',
      cause,
    });
  }
}
