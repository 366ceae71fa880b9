import { DEFAULT_DATA_DIRECTORY } from './options.ts';

/** The text as one word of a POSIX shell. */
export const quoted = (text: string): string =>
  /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** What a command line that is to be pasted needs to find this data directory; nothing for the default one. */
export const dataFlag = (directory: string): string =>
  directory === DEFAULT_DATA_DIRECTORY ? '' : ` --data ${quoted(directory)}`;
