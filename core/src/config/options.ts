import { MillraceError } from '../errors.ts';
import type { Option } from './option.ts';

/** All options of one component, by name. */
export interface Options<D extends OptionDefinitions = OptionDefinitions> {
  /** Section of the configuration file, and word in messages: `up`. */
  readonly component: string;
  readonly definitions: D;
}

export type OptionDefinitions = Readonly<Record<string, Option<unknown>>>;

/** The resolved values of a set of options: `OptionValues<typeof upOptions>`. */
export type OptionValues<O extends Options> = {
  readonly [N in keyof O['definitions']]: O['definitions'][N] extends Option<infer T> ? T : never;
};

/**
 * Declares the options of a component: the one source of validation, `--help`, tables and the redacted print-out.
 *
 * @example
 * const upOptions = defineOptions('up', {
 *   port: integerOption({ flag: 'port', env: 'FRONTEND_PORT', default: 8080, min: 0, max: 65535, description: 'TCP port' }),
 *   retention: durationOption({ flag: 'retention', default: '24h', description: 'How long rollups are kept' }),
 *   token: stringOption({ env: 'MILLRACE_TOKEN', secret: true, optional: true, description: 'Token of /admin' }),
 * });
 * const { values } = resolveOptions(upOptions, { env: process.env, flags: { port: '9000' } });
 * values.port;        // 9000
 * values.retention;   // 86400000
 *
 * @throws INVALID_ARGUMENT when two options have one key or one environment variable.
 */
export function defineOptions<const D extends OptionDefinitions>(component: string, definitions: D): Options<D> {
  const seen = new Set<string>();
  for (const [name, option] of Object.entries(definitions)) {
    for (const spelling of [optionKey(name, option), option.env].filter((text) => text !== undefined)) {
      if (seen.has(spelling)) {
        throw new MillraceError('INVALID_ARGUMENT', `two options of "${component}" are called ${spelling}`);
      }
      seen.add(spelling);
    }
  }
  return { component, definitions };
}

/** How the option is called in a configuration file: as its flag, or its name in kebab case (`log-max-bytes`). */
export function optionKey(name: string, option: Option<unknown>): string {
  return option.flag ?? kebabCase(name);
}

export function kebabCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
