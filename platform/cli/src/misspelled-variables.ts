import { nearestSpelling } from '@millrace/core';

/**
 * Variables of the environment that a person probably meant for one of `candidates`, a warning each. The environment
 * holds the variables of others, so only a near miss counts, and none of a candidate that is set itself.
 *
 * @param known names that mean something to another command
 */
export function misspelledVariables(
  env: NodeJS.ProcessEnv,
  candidates: readonly string[],
  known: ReadonlySet<string>,
): string[] {
  const unset = candidates.filter((name) => env[name] === undefined);
  return Object.keys(env).flatMap((name) => {
    if (known.has(name)) return [];
    const meant = shortened(name, unset) ?? nearestSpelling(name, unset, mostEdits(name));
    return meant === undefined ? [] : [`environment variable ${name} means nothing here: did you mean ${meant}?`];
  });
}

/** Few: `LOG_MODE` and `KAFKA_OPTS` are no `LOG_BODY` and no `KAFKA_TOPIC`. */
const mostEdits = ({ length }: string): number => Math.min(3, Math.max(1, Math.floor((length - 4) / 3)));

/** `FRONTEND_HOST` for `FRONTEND_HOSTNAME`. */
const shortened = (name: string, candidates: readonly string[]): string | undefined =>
  /_./.test(name) ? candidates.find((candidate) => candidate.startsWith(name)) : undefined;
