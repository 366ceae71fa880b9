import { describeOptions } from '../config/index.ts';
import type { Options } from '../config/index.ts';
import { snakeCase } from './config.ts';

/**
 * Options of publishers, subscribers and their connectors as a Markdown table, by their documented names. Pages of the
 * documentation hold such tables, and tests hold them to it.
 */
export function messagingOptionsTable(options: Options): string {
  const rows = describeOptions(options).map(({ name, default: preset, accepted, description }) => [
    `\`${snakeCase(name)}\``,
    preset === undefined ? '' : `\`${preset}\``,
    accepted,
    description,
  ]);
  const lines = [['Option', 'Default', 'Accepted', 'Meaning'], ['---', '---', '---', '---'], ...rows];
  return lines.map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`).join('');
}
