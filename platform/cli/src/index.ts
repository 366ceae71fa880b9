export { commands } from './commands/index.ts';
export { runLoad } from './load/run.ts';
export type { LoadOptions, LoadReport, LoadReporter } from './load/run.ts';
