import type { Writable } from 'node:stream';
import picocolors from 'picocolors';

export type Colors = ReturnType<typeof picocolors.createColors>;

type Output = Writable & { readonly isTTY?: boolean; readonly columns?: number };

/** Where a command writes. Answers go to standard output, progress and errors to standard error. */
export interface Terminal {
  readonly stdin: NodeJS.ReadableStream;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Whether standard output is a screen, which may be drawn over. */
  readonly interactive: boolean;
  /** Does nothing when standard output is no screen or NO_COLOR is set. */
  readonly colors: Colors;
  readonly width: number;
  /** A line to standard output. */
  print(line?: string): void;
  /** A line to standard error. */
  note(line: string): void;
}

export interface TerminalStreams {
  readonly stdin: NodeJS.ReadableStream;
  readonly stdout: Output;
  readonly stderr: Output;
}

/** Width of answers that are not shown on a screen. */
const DEFAULT_WIDTH = 120;

export function createTerminal({ stdin, stdout, stderr }: TerminalStreams, env: NodeJS.ProcessEnv): Terminal {
  const interactive = stdout.isTTY === true && env.TERM !== 'dumb';
  // https://no-color.org: set and not empty.
  const colored = interactive && (env.NO_COLOR ?? '') === '';
  return {
    stdin,
    stdout,
    stderr,
    interactive,
    colors: picocolors.createColors(colored),
    width: stdout.columns ?? DEFAULT_WIDTH,
    print: (line = '') => void stdout.write(`${line}\n`),
    note: (line) => void stderr.write(`${line}\n`),
  };
}

/** `1234567` as `1,234,567`. */
export const grouped = (value: number): string => value.toLocaleString('en-US', { maximumFractionDigits: 1 });

/** A number and what it counts: `1 view`, `1,234 views`. */
export const counted = (value: number, one: string, many = `${one}s`): string =>
  `${grouped(value)} ${value === 1 ? one : many}`;

/**
 * A text of strangers for the screen: control characters, which could move its cursor or set its title, as escapes.
 *
 * @example
 * visible('a\nb');   // 'a\\nb'
 */
export const visible = (text: string): string =>
  text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, (controls) => escapesOf(controls));

/** As JSON writes them, which leaves out those above 0x7e. */
const escapesOf = (controls: string): string =>
  JSON.stringify(controls)
    .slice(1, -1)
    .replaceAll(
      /[\u007f-\u009f\u2028\u2029]/g,
      (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** Bytes rounded for a person: `12.3 MB`, in powers of 1000. */
export function roundedBytes(bytes: number): string {
  const power = bytes < 1000 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), BYTE_UNITS.length - 1);
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${BYTE_UNITS[power]}`;
}
