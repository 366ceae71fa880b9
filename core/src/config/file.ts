import { readFile } from 'node:fs/promises';
import { parse } from 'smol-toml';
import { MillraceError } from '../errors.ts';
import { nearestSpelling } from './nearest.ts';
import type { Options } from './options.ts';
import type { OptionInputs } from './resolve.ts';

/** A configuration file: one section (TOML table) per component. */
export interface ConfigFile {
  readonly path: string;
  readonly sections: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/**
 * Reads a TOML file with one section per component. Keys within a section are checked by `resolveOptions`.
 *
 * @throws INVALID_OPTION when the file cannot be read or is no TOML; UNKNOWN_OPTION for a section that is none of
 * `components`, or a key outside of any section.
 */
export async function readConfigFile(path: string, components: readonly string[]): Promise<ConfigFile> {
  const sections: Record<string, Readonly<Record<string, unknown>>> = {};
  for (const [name, section] of Object.entries(await parseFile(path))) {
    if (!isTable(section)) {
      throw unknown(path, name, `"${name}" stands outside of a section: put it under one of ${list(components)}`);
    }
    if (!components.includes(name)) {
      const nearest = nearestSpelling(name, components);
      const hint = nearest === undefined ? `there are ${list(components)}` : `did you mean [${nearest}]?`;
      throw unknown(path, name, `section [${name}] is unknown: ${hint}`);
    }
    sections[name] = section;
  }
  return { path, sections };
}

/** The part of the file that `resolveOptions` takes for these options; empty when the file has no such section. */
export function sectionFor(options: Options, { path, sections }: ConfigFile): NonNullable<OptionInputs['file']> {
  return { path, values: sections[options.component] ?? {} };
}

async function parseFile(path: string): Promise<Record<string, unknown>> {
  try {
    return parse(await readFile(path, 'utf8'));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new MillraceError('INVALID_OPTION', `the configuration file ${path} cannot be read: ${reason}`, {
      field: 'config',
      value: path,
      accepted: 'a readable TOML file',
      cause: error,
    });
  }
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function unknown(path: string, field: string, reason: string): MillraceError {
  return new MillraceError('UNKNOWN_OPTION', `${path}: ${reason}`, { field });
}

const list = (components: readonly string[]): string => components.map((name) => `[${name}]`).join(', ');
