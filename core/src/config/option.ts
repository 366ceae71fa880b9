import { Type } from 'typebox';
import type { TSchema } from 'typebox';
import { Check } from 'typebox/value';
import { MillraceError } from '../errors.ts';
import { formatBytes, formatDuration, parseBytes, parseDuration } from './units.ts';

/** What every option says about itself. An option without a flag is set by environment or file only. */
export interface OptionSpec {
  /** Command-line flag without its dashes: `log-max-bytes`. */
  readonly flag?: string;
  /** Name of the environment variable. */
  readonly env?: string;
  /** One sentence for `--help` and the tables of the documentation. */
  readonly description: string;
  /** Never printed, neither in a listing nor in an error. Default false. */
  readonly secret?: boolean;
}

/** One option: how its text is read, checked and printed. Made by {@link integerOption} and its siblings. */
export interface Option<T> {
  readonly flag: string | undefined;
  readonly env: string | undefined;
  readonly description: string;
  readonly secret: boolean;
  readonly kind: 'integer' | 'string' | 'boolean' | 'choice' | 'duration' | 'size' | 'list';
  /** Schema of the value, after conversion. */
  readonly schema: TSchema;
  /** What is accepted, in words that follow "is not": "an integer from 0 to 65535". */
  readonly accepted: string;
  /** The accepted words, where the option is a choice. */
  readonly choices?: readonly string[];
  /** Undefined for an optional option. */
  readonly default: T;
  /** The default as its definition writes it (`24h`, which would format as `1d`). */
  readonly defaultText: string | undefined;
  /** The value of a text (environment, flag) or of a TOML value; undefined when it is not accepted. */
  read(input: unknown): T | undefined;
  /** The value as text that `read` accepts. */
  format(value: T): string;
}

/** Gives an option its value type: with a default it always has a value, an optional one may be undefined. */
export interface OptionBuilder<Extra, Input, T> {
  (spec: OptionSpec & Extra & { readonly default: Input }): Option<T>;
  (spec: OptionSpec & Extra & { readonly optional: true }): Option<T | undefined>;
}

interface Kind<T> extends Pick<Option<T>, 'kind' | 'schema' | 'accepted' | 'choices'> {
  /** May give anything for an input that is no such value: the schema has the last word. */
  readonly convert: (input: unknown) => unknown;
  format(value: T): string;
}

type Scalar = string | number | boolean;

interface Limits<Input> {
  readonly min?: Input;
  readonly max?: Input;
}

/** A whole number. `min` and `max` are inclusive. */
export const integerOption: OptionBuilder<Limits<number>, number, number> = builder(
  ({ min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER }: Limits<number>) => ({
    kind: 'integer',
    schema: Type.Integer({ minimum: min, maximum: max }),
    accepted: ['an integer', ...range(min, max, String, Number.MIN_SAFE_INTEGER)].join(' '),
    convert: (input) => (typeof input === 'string' && /^[+-]?\d+$/.test(input) ? Number(input) : input),
    format: String,
  }),
);

/** Any text, also an empty one unless `minLength` says otherwise. */
export const stringOption: OptionBuilder<{ readonly minLength?: number }, string, string> = builder(
  ({ minLength = 0 }: { readonly minLength?: number }) => ({
    kind: 'string',
    schema: Type.String({ minLength }),
    accepted: minLength === 0 ? 'a text' : `a text of at least ${minLength} character${minLength === 1 ? '' : 's'}`,
    convert: (input) => input,
    format: (value: string) => value,
  }),
);

/** TRUE or FALSE, in any case. */
export const booleanOption: OptionBuilder<unknown, boolean, boolean> = builder(() => ({
  kind: 'boolean',
  schema: Type.Boolean(),
  accepted: 'TRUE or FALSE (in any case)',
  convert: (input) => (typeof input === 'string' ? TRUTH[input.toLowerCase()] : input),
  format: String,
}));

const TRUTH: Readonly<Record<string, boolean>> = { true: true, false: false };

/** A duration with a unit, as text (`24h`); the value is milliseconds. See {@link parseDuration}. */
export const durationOption: OptionBuilder<Limits<string>, string, number> = builder((limits: Limits<string>) => {
  const min = limits.min === undefined ? 0 : defined(parseDuration(limits.min), limits.min);
  const max = limits.max === undefined ? Number.MAX_SAFE_INTEGER : defined(parseDuration(limits.max), limits.max);
  return {
    kind: 'duration',
    schema: Type.Integer({ minimum: min, maximum: max }),
    accepted: [
      'a duration with its unit (ms, s, m, h, d, y), such as 10s or 24h',
      ...range(min, max, formatDuration),
    ].join(', '),
    convert: (input) => (typeof input === 'string' || input === 0 ? parseDuration(String(input)) : undefined),
    format: formatDuration,
  };
});

/**
 * A duration as messaging configuration writes it: a number of seconds (`0.5`), or a text with a unit (`500ms`); the
 * value is milliseconds.
 */
export const secondsOption: OptionBuilder<Limits<number>, number | string, number> = builder(
  ({ min = 0, max = Number.MAX_SAFE_INTEGER / 1000 }: Limits<number>) => ({
    kind: 'duration',
    schema: Type.Number({ minimum: min * 1000, maximum: max * 1000 }),
    accepted: [
      'a number of seconds, or a duration with its unit (ms, s, m, h, d, y), such as 0.5 or 500ms',
      ...range(min * 1000, Math.floor(max * 1000), formatDuration),
    ].join(', '),
    convert: (input) => {
      if (typeof input === 'number') return input * 1000;
      if (typeof input !== 'string') return undefined;
      return /^\d+(\.\d+)?$/.test(input) ? Number(input) * 1000 : parseDuration(input);
    },
    format: formatDuration,
  }),
);

/** Texts in a row: an array, or one text with commas between them. */
export const listOption: OptionBuilder<unknown, string, readonly string[]> = builder(() => ({
  kind: 'list',
  schema: Type.Array(Type.String({ minLength: 1 })),
  accepted: 'a list of texts, or one text with commas between them',
  convert: (input) => (typeof input === 'string' ? input.split(',').map((part) => part.trim()) : input),
  format: (value: readonly string[]) => value.join(','),
}));

/** A size as text (`20GB`, `64MiB`); the value is bytes. See {@link parseBytes}. */
export const sizeOption: OptionBuilder<Limits<string>, string, number> = builder((limits: Limits<string>) => {
  const min = limits.min === undefined ? 0 : defined(parseBytes(limits.min), limits.min);
  const max = limits.max === undefined ? Number.MAX_SAFE_INTEGER : defined(parseBytes(limits.max), limits.max);
  return {
    kind: 'size',
    schema: Type.Integer({ minimum: min, maximum: max }),
    accepted: [
      'a size in bytes, or with a unit (KB, MB, GB, TB, KiB, MiB, GiB, TiB), such as 64MiB or 20GB',
      ...range(min, max, formatBytes),
    ].join(', '),
    convert: (input) => (typeof input === 'string' ? parseBytes(input) : input),
    format: formatBytes,
  };
});

type ChoiceSpec<C extends string> = OptionSpec & {
  readonly choices: readonly C[];
  /** Accept the words in any case. Default false. */
  readonly anyCase?: boolean;
};

/** One of a few words, written exactly so unless `anyCase`. */
export function choiceOption<const C extends string>(spec: ChoiceSpec<C> & { readonly default: NoInfer<C> }): Option<C>;
export function choiceOption<const C extends string>(
  spec: ChoiceSpec<C> & { readonly optional: true },
): Option<C | undefined>;
export function choiceOption(spec: ChoiceSpec<string> & { readonly default?: string }): Option<string | undefined> {
  const { choices, anyCase = false, ...rest } = spec;
  return option(rest, {
    kind: 'choice',
    schema: Type.Enum([...choices]),
    accepted: `one of ${choices.join(', ')}`,
    choices,
    convert: (input) => (anyCase && typeof input === 'string' ? input.toLowerCase() : input),
    format: (value: string) => value,
  });
}

function builder<Extra, Input extends Scalar, T>(kindOf: (extra: Extra) => Kind<T>): OptionBuilder<Extra, Input, T> {
  const build = (spec: OptionSpec & Extra & { readonly default?: Input }): Option<T | undefined> =>
    option(spec, kindOf(spec));
  // The two overloads differ in whether there is a default, which `option` checks; one function cannot state both.
  return build as OptionBuilder<Extra, Input, T>;
}

function option<T>(spec: OptionSpec & { readonly default?: Scalar }, kind: Kind<T>): Option<T | undefined> {
  const preset = spec.default;
  const { convert, ...described } = kind;
  const read = (input: unknown): T | undefined => {
    const value = convert(input);
    return Check(kind.schema, value) ? (value as T) : undefined;
  };
  return {
    ...described,
    flag: spec.flag,
    env: spec.env,
    description: spec.description,
    secret: spec.secret ?? false,
    default: preset === undefined ? undefined : defined(read(preset), preset),
    defaultText: preset?.toString(),
    read,
    format: (value) => (value === undefined ? '' : kind.format(value)),
  };
}

/** For what a definition says, not a user: a default or a limit that is itself not accepted. */
function defined<T>(value: T | undefined, given: Scalar): T {
  if (value !== undefined) return value;
  const message = `the option's definition says ${given}, which it does not accept`;
  throw new MillraceError('INVALID_ARGUMENT', message, { value: given });
}

/** The range in words that follow the kind of value; nothing when there is no limit worth a word. */
function range(min: number, max: number, format: (value: number) => string, lowest = 0): string[] {
  const above = min > lowest;
  const below = max < Number.MAX_SAFE_INTEGER;
  if (above && below) return [`from ${format(min)} to ${format(max)}`];
  if (above) return [`from ${format(min)} up`];
  return below ? [`up to ${format(max)}`] : [];
}
