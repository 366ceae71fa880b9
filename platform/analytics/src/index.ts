export { isEmbedded, type BackendOptions } from './backends.ts';
export * from './codec.ts';
export * from './frontend/index.ts';
export * from './platform.ts';
export type { ProcessorStatus } from './processor/admin-server.ts';
export { createProcessor } from './processor/processor.ts';
export * from './processor/role.ts';
export * from './tag.ts';
export { localPlatformOptions } from './local-options.ts';
