import { kebabCase, kebabOf, nearestSpelling, REDACTED, synonymsFor } from '../config/index.ts';
import type { Option, Options, OptionValues } from '../config/index.ts';
import { MillraceError } from '../errors.ts';

/** Keys and values as an application, a flow file or a URL's query gives them. */
export type RawConfig = Readonly<Record<string, unknown>>;

export interface ConfigSource {
  /** In messages: `publisher "orders"`. */
  readonly place: string;
  readonly values: RawConfig;
}

/**
 * The values of several sets of options from one flat configuration: camelCase, snake_case and kebab-case name the same
 * option, `aliases` are further names (in snake_case) of some. A later source wins.
 *
 * @example
 * const [own, connectors] = resolveConfig([publisherOptions, redisOptions], { dag_priority: 'priorityKey' },
 *   [{ place: 'redis://localhost', values: { ttl: '60' } }, { place: 'publisher "orders"', values: { batch_size: 100 } }]);
 *
 * @throws UNKNOWN_OPTION with the nearest spelling, INVALID_OPTION
 */
export function resolveConfig<const G extends readonly Options[]>(
  groups: G,
  aliases: Readonly<Record<string, string>>,
  sources: readonly ConfigSource[],
): { [I in keyof G]: OptionValues<G[I]> } {
  // Two groups may define the same option, each with a default of its own.
  const names = [...new Set(groups.flatMap(({ definitions }) => Object.keys(definitions)))];
  const nameOf = new Map([
    ...synonymsFor(names),
    ...names.map((name) => [kebabCase(name), name] as const),
    ...Object.entries(aliases).map(([alias, name]) => [kebabOf(alias), name] as const),
  ]);
  const given = new Map<string, { readonly place: string; readonly input: unknown }>();
  for (const { place, values } of sources) {
    for (const [key, input] of Object.entries(values)) {
      const name = nameOf.get(kebabOf(key));
      if (name === undefined) throw unknownKey(place, key, names);
      // As null says in JSON and YAML: as if it were not there.
      if (input !== undefined && input !== null) given.set(name, { place: `${place}: ${key}`, input });
    }
  }
  const resolved = groups.map(({ definitions }) =>
    Object.fromEntries(
      Object.entries(definitions).map(([name, option]) => {
        const found = given.get(name);
        return [name, found === undefined ? option.default : readValue(option, found.place, found.input)];
      }),
    ),
  );
  // One value per definition of each group, checked by its schema.
  return resolved as { [I in keyof G]: OptionValues<G[I]> };
}

function readValue(option: Option<unknown>, place: string, input: unknown): unknown {
  const value = option.read(input);
  if (value !== undefined) return value;
  const shown = option.secret ? REDACTED : (JSON.stringify(input) ?? String(input));
  const nearest = typeof input === 'string' ? nearestSpelling(input, option.choices ?? []) : undefined;
  const hint = nearest === undefined ? '' : `: did you mean ${nearest}?`;
  throw new MillraceError('INVALID_OPTION', `${place}: ${shown} is not ${option.accepted}${hint}`, {
    field: place,
    value: option.secret ? REDACTED : input,
    accepted: option.accepted,
  });
}

function unknownKey(place: string, key: string, names: readonly string[]): MillraceError {
  // In the spelling that was used, so that the hint can be copied.
  const written = /[A-Z]/.test(key) ? names : names.map(snakeCase);
  const nearest = nearestSpelling(key, written);
  const hint = nearest === undefined ? `there are ${written.join(', ')}` : `did you mean ${nearest}?`;
  return new MillraceError('UNKNOWN_OPTION', `${place}: ${key} is unknown: ${hint}`, { field: key });
}

export const snakeCase = (name: string): string => kebabCase(name).replaceAll('-', '_');
