import { join } from 'node:path';
import { runChecks } from './lib/checks.ts';

const { failed } = await runChecks(join(import.meta.dirname, '..'));
process.exitCode = failed === 0 ? 0 : 1;
