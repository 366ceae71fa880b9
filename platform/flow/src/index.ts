export * from './flow.ts';
export { readFlow } from './read-flow.ts';
export * from './run-flow.ts';
