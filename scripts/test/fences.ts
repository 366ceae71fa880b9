import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A block of code in a document. */
export interface Fence {
  /** The document, relative to the repository. */
  readonly page: string;
  /** Where it begins, counted from 1. */
  readonly line: number;
  readonly language: string;
  readonly code: string;
  /** What a `text` block directly below says that it answers: such a block is run. */
  readonly answer: string | undefined;
}

const BLOCK = /^```(\w*)[^\n]*\n([^]*?)^```$(?:\n+```text\n([^]*?)^```$)?/gm;

/** The blocks of code of a document, in their order. */
export function fencesOf(root: string, page: string): Fence[] {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(BLOCK)].map(({ index, 1: language = '', 2: code = '', 3: answer }) => ({
    page,
    line: text.slice(0, index).split('\n').length,
    language,
    code,
    answer,
  }));
}

const TIME = /\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{3})?Z?/g;
const HOUR_MS = 3_600_000;
const NOW = '<now>';

/**
 * What an answer must look like: as it stands, except that `...` is any text, on a line of its own any lines, and that
 * a time may also be one of the test run, since a document keeps the times at which it was captured.
 */
export function answerPattern(answer: string): RegExp {
  const lines = answer.trimEnd().split('\n');
  const patterns = lines.map((line) => (line === '...' ? '(?:.*\n)*?' : `${linePattern(line)}\n`));
  return new RegExp(`^${patterns.join('')}$`);
}

function linePattern(line: string): string {
  const times = [...line.matchAll(TIME)].map(([time]) => `(?:${escape(time)}|${NOW})`);
  const between = line.split(TIME).map((part) => part.split('...').map(escape).join('.*'));
  return between.map((part, index) => part + (times[index] ?? '')).join('');
}

/** For a regular expression. `RegExp.escape` is not in every Node.js that may run this. */
const escape = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);

/** Output as {@link answerPattern} wants it: without trailing spaces, and with the times of the last hour replaced. */
export function comparable(output: string, now: number): string {
  const isRecent = (time: string): boolean =>
    Math.abs(now - Date.parse(`${time.replace(' ', 'T').replace('Z', '')}Z`)) < HOUR_MS;
  const lines = output.trimEnd().split('\n');
  return lines
    .map((line) => line.trimEnd().replaceAll(TIME, (time) => (isRecent(time) ? NOW : time)))
    .map((line) => `${line}\n`)
    .join('');
}
