import { MillraceError } from '../errors.ts';
import type { ErrorCode, ErrorDetails } from '../errors.ts';
import { nearestSpelling } from './nearest.ts';
import type { Option } from './option.ts';
import type { OptionDefinitions, OptionValues, Options } from './options.ts';
import { kebabCase, optionKey } from './options.ts';

export type OptionSource = 'default' | 'file' | 'environment' | 'flag';

export interface OptionInputs {
  /** The component's section of the configuration file, see {@link readConfigFile}. */
  readonly file?: { readonly path: string; readonly values: Readonly<Record<string, unknown>> };
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** By the flag's name without dashes, in kebab or camel case; undefined means not given. */
  readonly flags?: Readonly<Record<string, string | boolean | undefined>>;
}

export interface ResolvedOptions<O extends Options = Options> {
  readonly options: O;
  readonly values: OptionValues<O>;
  /** Where each value came from. */
  readonly sources: Readonly<Record<keyof O['definitions'], OptionSource>>;
  /** What was ignored and why, one sentence each, to be said once at start. */
  readonly warnings: readonly string[];
}

interface Problem extends ErrorDetails {
  readonly code: ErrorCode;
  readonly message: string;
}

interface Given {
  readonly source: OptionSource;
  /** What to call it in a message: `--port`, `environment variable FRONTEND_PORT`, `millrace.toml: [up] port`. */
  readonly place: string;
  readonly input: unknown;
}

/**
 * The values of a component's options: default < file < environment < flag. An empty text is a value, not "unset".
 * An environment boolean that is neither TRUE nor FALSE counts as unset, with a warning; anything else that is not
 * accepted stops the start.
 *
 * @throws INVALID_OPTION, UNKNOWN_OPTION: one error that names every problem, with the details of the first.
 */
export function resolveOptions<D extends OptionDefinitions>(
  options: Options<D>,
  inputs: OptionInputs,
): ResolvedOptions<Options<D>> {
  const values: Record<string, unknown> = {};
  const sources: Record<string, OptionSource> = {};
  const warnings: string[] = [];
  const problems = unknownOptions(options, inputs);
  const flags = flagsByName(inputs);

  for (const [name, option] of Object.entries(options.definitions)) {
    values[name] = option.default;
    sources[name] = 'default';
    for (const given of givenFor(name, option, options.component, inputs, flags)) {
      const value = option.read(given.input);
      if (value !== undefined) {
        values[name] = value;
        sources[name] = given.source;
      } else if (option.kind === 'boolean' && given.source === 'environment') {
        warnings.push(`${given.place}: ${show(option, given.input)} is ignored: it is not ${option.accepted}`);
      } else {
        problems.push(notAccepted(option, given));
      }
    }
  }
  if (problems.length > 0) throw toError(problems);
  // Filled above, one value per definition and each checked by its schema.
  return {
    options,
    values: values as OptionValues<Options<D>>,
    sources: sources as Record<keyof D, OptionSource>,
    warnings,
  };
}

function flagsByName({ flags = {} }: OptionInputs): ReadonlyMap<string, string | boolean> {
  const byName = new Map<string, string | boolean>();
  for (const [flag, value] of Object.entries(flags)) {
    if (value !== undefined) byName.set(kebabCase(flag), value);
  }
  return byName;
}

/** Every place that gives the option a value, weakest first. */
function givenFor(
  name: string,
  option: Option<unknown>,
  component: string,
  { file, env = {} }: OptionInputs,
  flags: ReadonlyMap<string, string | boolean>,
): Given[] {
  const given: Given[] = [];
  const key = optionKey(name, option);
  if (file !== undefined && Object.hasOwn(file.values, key)) {
    given.push({ source: 'file', place: `${file.path}: [${component}] ${key}`, input: file.values[key] });
  }
  const variable = option.env === undefined ? undefined : env[option.env];
  if (variable !== undefined) {
    given.push({ source: 'environment', place: `environment variable ${option.env}`, input: variable });
  }
  const flag = option.flag === undefined ? undefined : flags.get(option.flag);
  if (flag !== undefined) given.push({ source: 'flag', place: `--${option.flag}`, input: flag });
  return given;
}

function unknownOptions({ component, definitions }: Options, inputs: OptionInputs): Problem[] {
  const entries = Object.entries(definitions);
  const keys = entries.map(([name, option]) => optionKey(name, option));
  const flags = entries.flatMap(([, option]) => option.flag ?? []);
  const problems: Problem[] = [];
  for (const key of Object.keys(inputs.file?.values ?? {})) {
    if (!keys.includes(key)) problems.push(unknownOption(`${inputs.file?.path}: [${component}] `, key, keys));
  }
  for (const flag of flagsByName(inputs).keys()) {
    if (!flags.includes(flag)) problems.push(unknownOption('--', flag, flags));
  }
  return problems;
}

function unknownOption(prefix: string, typed: string, known: readonly string[]): Problem {
  const nearest = nearestSpelling(typed, known);
  const dashes = prefix === '--' ? '--' : '';
  const hint = nearest === undefined ? `there are ${known.join(', ')}` : `did you mean ${dashes}${nearest}?`;
  return { code: 'UNKNOWN_OPTION', message: `${prefix}${typed} is unknown: ${hint}`, field: prefix + typed };
}

function notAccepted(option: Option<unknown>, { place, input }: Given): Problem {
  const nearest = typeof input === 'string' ? nearestSpelling(input, option.choices ?? []) : undefined;
  const message =
    input === true && place.startsWith('--')
      ? `${place} needs a value: ${option.accepted}`
      : `${place}: ${show(option, input)} is not ${option.accepted}${nearest === undefined ? '' : `: did you mean ${nearest}?`}`;
  const value = option.secret ? REDACTED : input;
  return { code: 'INVALID_OPTION', message, field: place, value, accepted: option.accepted };
}

/** Stands for a secret wherever options are printed. */
export const REDACTED = '***';

function show(option: Option<unknown>, input: unknown): string {
  return option.secret ? REDACTED : (JSON.stringify(input) ?? String(input));
}

function toError(problems: readonly Problem[]): MillraceError {
  const { code, message, ...details } = problems[0]!;
  if (problems.length === 1) return new MillraceError(code, message, details);
  const list = problems.map((problem) => `\n  - ${problem.message}`).join('');
  return new MillraceError(code, `${problems.length} options are wrong:${list}`, details);
}
