import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { MillraceError } from '../errors.ts';
import { decodeUrlPart } from '../url-part.ts';
import { withoutPassword } from './create.ts';
import type { SinkConnector } from './sink.ts';
import type { SourceConnector } from './source.ts';

/** What a module for `custom:` exports: one of these, or both. */
export interface DelegateModule {
  readonly sink?: SinkConnector;
  readonly source?: SourceConnector;
}

/**
 * Loads the module that a `custom:` URL names, or else the option `delegate_module`: a path (relative to the working
 * directory) or the name of a package.
 *
 * @example
 * await loadDelegate('custom:./printer.ts', undefined);
 *
 * @throws INVALID_OPTION when none is named, or not in the way of URLs; CONNECTOR_NOT_INSTALLED when it cannot be loaded
 */
export async function loadDelegate(url: string, option: unknown): Promise<DelegateModule> {
  const named = /^custom:(?:\/\/)?([^?#]*)/i.exec(url)?.[1] ?? '';
  const name = typeof option === 'string' ? option : decodeUrlPart(named);
  const shown = withoutPassword(url);
  if (name === '') {
    throw new MillraceError(
      'INVALID_OPTION',
      `"${shown}" names no module: write custom:./module.ts, or set delegate_module`,
      {
        field: 'delegate_module',
        accepted: 'a path or the name of a package',
      },
    );
  }
  const file = /^\.{0,2}\//.test(name) ? path.resolve(name) : undefined;
  try {
    return (await import(file === undefined ? name : pathToFileURL(file).href)) as DelegateModule;
  } catch (cause) {
    const message = `the module of "${shown}" cannot be loaded: ${reasonOf(cause, name, file)}`;
    const details = { field: 'delegate_module', value: name, cause };
    throw new MillraceError('CONNECTOR_NOT_INSTALLED', message, details);
  }
}

function reasonOf(cause: unknown, name: string, file: string | undefined): string {
  const { code, message } = cause instanceof Error ? (cause as NodeJS.ErrnoException) : { message: String(cause) };
  // Not something that the module itself imports.
  if (code !== 'ERR_MODULE_NOT_FOUND' || !message.includes(`'${file ?? name}'`)) return message;
  if (file !== undefined) return `there is no file ${file}`;
  return `no package ${name} is installed; for the file ${path.resolve(name)} write custom:./${name}`;
}
