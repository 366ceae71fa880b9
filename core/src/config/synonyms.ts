import { kebabCase, optionKey } from './options.ts';
import type { Options } from './options.ts';

/**
 * Options that connectors, or the drivers that their users know, call differently: a connector that has one of a row takes
 * it by the other names too, so that a change of the URL is enough to go from one to the other.
 */
const SYNONYMS: readonly (readonly string[])[] = [
  ['group', 'groupId', 'consumerGroup'],
  ['username', 'user'],
];

/** Pairs of a spelling in kebab-case and the one of these options that it means. */
export function synonymsFor(names: readonly string[]): (readonly [spelling: string, name: string])[] {
  return SYNONYMS.flatMap((row) => {
    const meant = row.find((name) => names.includes(name));
    return meant === undefined ? [] : row.map((name) => [kebabCase(name), meant] as const);
  });
}

/** `tls_ca`, `tls-ca` and `tlsCa` are one option. */
export const kebabOf = (spelling: string): string => kebabCase(spelling.replaceAll('_', '-'));

/**
 * What the query of a URL says, as `resolveOptions` wants it from a file: snake_case, kebab-case and camelCase name the
 * same option, and synonyms are taken.
 *
 * @example
 * resolveOptions(options, { file: { path: 'redis://localhost', values: queryValues(options, { user: 'me' }) } });
 */
export function queryValues(
  { definitions }: Options,
  query: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const names = Object.keys(definitions);
  const keyOf = new Map(synonymsFor(names).map(([spelling, name]) => [spelling, optionKey(name, definitions[name]!)]));
  return Object.fromEntries(
    Object.entries(query).map(([key, value]) => {
      const spelling = kebabOf(key);
      return [keyOf.get(spelling) ?? spelling, value];
    }),
  );
}
