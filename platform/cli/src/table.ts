import Table from 'cli-table3';
import type { Terminal } from './terminal.ts';

export interface Column {
  readonly name: string;
  readonly align?: 'left' | 'right';
}

const NO_LINES = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

/** A table: with a frame on a screen, in bare columns elsewhere, so that other programs can take it apart. */
export function table(
  { interactive, colors }: Terminal,
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): string {
  const made = new Table({
    head: columns.map(({ name }) => colors.bold(name)),
    colAligns: columns.map(({ align = 'left' }) => align),
    style: { head: [], border: [], compact: true, ...(!interactive && { 'padding-left': 0, 'padding-right': 0 }) },
    ...(!interactive && { chars: NO_LINES }),
  });
  made.push(...rows.map((row) => [...row]));
  return made
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const;

/** A bar of at most `width` characters: blocks on a screen, `#` elsewhere. Anything above zero is at least visible. */
export function bar({ interactive }: Terminal, value: number, highest: number, width: number): string {
  if (!(value > 0) || !(highest > 0)) return '';
  const length = (value / highest) * width;
  if (!interactive) return '#'.repeat(Math.max(1, Math.round(length)));
  const eighths = Math.max(1, Math.round(length * EIGHTHS.length));
  return '█'.repeat(Math.floor(eighths / EIGHTHS.length)) + EIGHTHS[eighths % EIGHTHS.length]!;
}
