export * from './free-port.ts';
export * from './redis-command.ts';
export * from './redis.ts';
export type { ServerControl } from './server-process.ts';
