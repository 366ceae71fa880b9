export * from './codec.ts';
export * from './frontend/index.ts';
export * from './platform.ts';
export * from './tag.ts';
