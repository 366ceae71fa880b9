import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { StateOptions } from '@millrace/core';
import { onTestFinished } from 'vitest';

export const newDirectory = (): Promise<string> => mkdtemp(join(tmpdir(), 'millrace-embedded-'));

export const removeDirectory = (path: string): Promise<void> => rm(path, { recursive: true, force: true });

/** An empty directory that goes with the test. */
export async function temporaryDirectory(): Promise<string> {
  const path = await newDirectory();
  onTestFinished(() => removeDirectory(path));
  return path;
}

/** Opens the directory that the environment names as DATA_DIRECTORY and holds it. */
export const HOLDER = fileURLToPath(new URL('hold-data-directory.ts', import.meta.url));

/** Resolves once another process has opened the directory; it is killed with the test. */
export async function holdInAnotherProcess(path: string): Promise<{ pid: number; kill(): Promise<void> }> {
  const child = spawn(process.execPath, [HOLDER], {
    env: { ...process.env, DATA_DIRECTORY: path },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  onTestFinished(kill);
  await once(child.stdout, 'data');
  return { pid: child.pid!, kill };
}

/** A state of one partition with nothing but a measure. */
export const STATE_OPTIONS: StateOptions = {
  schema: { kinds: ['VIEW'], dimensions: [], measures: ['price'] },
  partitions: 1,
};
