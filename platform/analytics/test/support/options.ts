import { createLogger } from '@millrace/core';
import { localPlatformOptions } from '../../src/local-options.ts';
import type { PlatformOptions } from '../../src/platform.ts';

/** A platform on a data directory and a free port; says nothing. */
export const platformOptions = (directory: string, changes: Partial<PlatformOptions> = {}): PlatformOptions => ({
  ...localPlatformOptions(directory, createLogger({ level: 'silent', name: 'test' })),
  ...changes,
});
