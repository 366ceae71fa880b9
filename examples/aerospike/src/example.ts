import { parseArgs } from 'node:util';

import { openServer, type Server } from './server.ts';

/** What an example gets. */
export interface ExampleContext extends Pick<Server, 'urlOf'> {
  /** 1 is the documented size; the tests run a hundredth of it. */
  readonly scale: number;
  readonly print: (line: string) => void;
}

export type Example = (context: ExampleContext) => Promise<void>;

/** Runs the example when its file is the program: `node basic.ts [--scale 0.01]`. */
export async function runIfMain(isMain: boolean, example: Example): Promise<void> {
  if (!isMain) return;
  const { values } = parseArgs({ options: { scale: { type: 'string', default: '1' } } });
  const server = await openServer();
  try {
    await example({ urlOf: server.urlOf, scale: Number(values.scale), print: (line) => console.log(line) });
  } finally {
    await server.stop();
  }
}

/** So many of the documented number, at least one. */
export const scaled = (count: number, scale: number): number => Math.max(1, Math.round(count * scale));

export const epochSeconds = (): number => Math.floor(Date.now() / 1000);

/** The value of a bin for people. */
export const shown = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
