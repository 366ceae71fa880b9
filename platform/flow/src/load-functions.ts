import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { checkFlow } from './check-flow.ts';
import type { Path, Wrong } from './check-flow.ts';
import type { Flow } from './flow.ts';

const FUNCTION = './module.ts#name, a function that the module exports';

/** The flow of a file without functions, in which `./module.ts#name` stands for one. */
export async function loadFunctions(raw: unknown, name: string, file: string, wrong: Wrong): Promise<Flow> {
  const load = async (reference: unknown, path: Path): Promise<unknown> => {
    const [, module, exported] = (typeof reference === 'string' && /^(.+)#(\w+)$/.exec(reference)) || [];
    if (module === undefined || exported === undefined) throw wrong(path, 'names no function', FUNCTION);
    const target = /^\.{0,2}\//.test(module) ? pathToFileURL(resolve(dirname(file), module)).href : module;
    let loaded: Readonly<Record<string, unknown>>;
    try {
      loaded = (await import(target)) as Readonly<Record<string, unknown>>;
    } catch (cause) {
      throw wrong(path, `cannot be loaded (${cause instanceof Error ? cause.message : String(cause)})`, FUNCTION);
    }
    if (typeof loaded[exported] === 'function') return loaded[exported];
    throw wrong(path, `names a function that ${module} does not export`, FUNCTION);
  };
  if (!isObject(raw)) return checkFlow(raw, name, wrong);
  const flow: Record<string, unknown> = { ...raw };
  if (flow['router'] !== undefined) flow['router'] = await load(flow['router'], ['router']);
  if (Array.isArray(flow['steps'])) {
    flow['steps'] = await Promise.all(
      flow['steps'].map(async (step: unknown, index) => {
        if (!isObject(step)) return step;
        const loaded: Record<string, unknown> = { ...step };
        for (const kind of ['map', 'filter']) {
          if (kind in step) loaded[kind] = await load(step[kind], ['steps', index, kind]);
        }
        return loaded;
      }),
    );
  }
  return checkFlow(flow, name, wrong);
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
