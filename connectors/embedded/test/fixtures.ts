import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { onTestFinished } from 'vitest';

export const newDirectory = (): Promise<string> => mkdtemp(join(tmpdir(), 'millrace-embedded-'));

export const removeDirectory = (path: string): Promise<void> => rm(path, { recursive: true, force: true });

/** An empty directory that goes with the test. */
export async function temporaryDirectory(): Promise<string> {
  const path = await newDirectory();
  onTestFinished(() => removeDirectory(path));
  return path;
}
