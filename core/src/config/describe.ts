import type { Option } from './option.ts';
import type { Options } from './options.ts';
import { optionKey } from './options.ts';
import type { OptionSource, ResolvedOptions } from './resolve.ts';
import { REDACTED } from './resolve.ts';

/** One option as `--help` and the documentation show it. */
export interface OptionRow {
  /** Name in the configuration file. */
  readonly key: string;
  /** Name in the resolved values. */
  readonly name: string;
  readonly flag: string | undefined;
  readonly env: string | undefined;
  /** As text that the option accepts, `***` for a secret; undefined when there is none. */
  readonly default: string | undefined;
  readonly accepted: string;
  readonly description: string;
  readonly secret: boolean;
  /** A flag of such an option takes no value. */
  readonly boolean: boolean;
}

export function describeOptions({ definitions }: Options): OptionRow[] {
  return Object.entries(definitions).map(([name, option]) => ({
    key: optionKey(name, option),
    name,
    flag: option.flag,
    env: option.env,
    default: option.secret && option.defaultText !== undefined ? REDACTED : option.defaultText,
    accepted: option.accepted,
    description: option.description,
    secret: option.secret,
    boolean: option.kind === 'boolean',
  }));
}

/** One resolved option, safe to print. */
export interface RedactedRow {
  readonly key: string;
  /** `***` for a secret that is set; undefined where nothing is set. */
  readonly value: string | undefined;
  readonly source: OptionSource;
}

/** The resolved options for a person to read (`millrace config`): no secret is in it. */
export function redactedOptions<O extends Options>({ options, values, sources }: ResolvedOptions<O>): RedactedRow[] {
  return Object.entries(options.definitions).map(([name, option]) => {
    const value = values[name];
    return {
      key: optionKey(name, option),
      value: value === undefined ? undefined : printable(option, value, sources[name]!),
      source: sources[name]!,
    };
  });
}

/** The options as a Markdown table, for the generated pages of the documentation. */
export function optionsTable(options: Options): string {
  const rows = describeOptions(options).map(({ key, flag, env, default: preset, accepted, description }) => [
    flag === undefined ? `\`${key}\` (no flag)` : `\`--${flag}\``,
    env === undefined ? '' : `\`${env}\``,
    preset === undefined ? '' : `\`${preset}\``,
    accepted,
    description,
  ]);
  const lines = [
    ['Option', 'Environment', 'Default', 'Accepted', 'Meaning'],
    ['---', '---', '---', '---', '---'],
    ...rows,
  ];
  return lines.map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`).join('');
}

/** A default stands there as help and documentation write it. */
function printable(option: Option<unknown>, value: unknown, source: OptionSource): string {
  if (option.secret) return REDACTED;
  return source === 'default' && option.defaultText !== undefined ? option.defaultText : option.format(value);
}
