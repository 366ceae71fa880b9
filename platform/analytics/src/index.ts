export * from './codec.ts';
export * from './tag.ts';
