import { readFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { MillraceError } from '@millrace/core';
import { LineCounter, parseDocument } from 'yaml';
import type { Document } from 'yaml';
import { checkFlow } from './check-flow.ts';
import type { Path, Wrong } from './check-flow.ts';
import type { Flow } from './flow.ts';
import { loadFunctions } from './load-functions.ts';

/**
 * Reads a flow from a YAML file, or from a TypeScript or JavaScript module that exports it as `flow`. Functions and
 * relative modules are looked up beside the file; its name without the ending is the default of the flow's name.
 *
 * @throws NOT_FOUND, INVALID_OPTION naming file, line and what is accepted
 */
export async function readFlow(file: string): Promise<Flow> {
  const path = resolve(file);
  const name = basename(path).replace(/\.[^.]+$/, '');
  if (/\.[cm]?[jt]s$/.test(path)) return fromModule(file, path, name);
  const document = await parse(file, path);
  return loadFunctions(await document.toJS(), name, path, wrongIn(file, document.document, document.lines));
}

async function fromModule(file: string, path: string, name: string): Promise<Flow> {
  let exported: { readonly flow?: unknown };
  try {
    exported = (await import(pathToFileURL(path).href)) as { readonly flow?: unknown };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new MillraceError('INVALID_OPTION', `${file} cannot be loaded: ${reason}`, { field: file, cause });
  }
  const wrong: Wrong = (where, problem, accepted) => invalid(`${file}: flow${shown(where)}`, problem, accepted);
  if (exported.flow === undefined) throw invalid(file, 'exports no `flow`', 'export const flow: Flow = { ... }');
  return checkFlow(exported.flow, name, wrong);
}

interface Parsed {
  readonly document: Document;
  readonly lines: LineCounter;
  toJS(): unknown;
}

async function parse(file: string, path: string): Promise<Parsed> {
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    const code = cause.code === 'ENOENT' ? 'NOT_FOUND' : 'INVALID_OPTION';
    throw new MillraceError(code, `${file} cannot be read: ${cause.message}`, { field: 'file', value: file, cause });
  });
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [error] = document.errors;
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0]);
    throw invalid(`${file}:${line}:${col}`, error.message, 'YAML');
  }
  return { document, lines, toJS: () => document.toJS() };
}

/** Finds the line of what is wrong, or of the nearest thing around it that stands in the file. */
function wrongIn(file: string, document: Document, lines: LineCounter): Wrong {
  return (where, problem, accepted) => {
    for (let length = where.length; length >= 0; length--) {
      const node = document.getIn(where.slice(0, length), true) as { readonly range?: readonly number[] } | undefined;
      const start = node?.range?.[0];
      if (start === undefined) continue;
      const { line, col } = lines.linePos(start);
      return invalid(`${file}:${line}:${col}: ${shown(where).replace(/^\./, '')}`, problem, accepted);
    }
    return invalid(`${file}: ${shown(where)}`, problem, accepted);
  };
}

const shown = (path: Path): string =>
  path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`)).join('');

function invalid(where: string, problem: string, accepted: string): MillraceError {
  return new MillraceError('INVALID_OPTION', `${where} ${problem}: write ${accepted}`, { field: where, accepted });
}
