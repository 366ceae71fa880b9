export * from './describe.ts';
export * from './file.ts';
export * from './nearest.ts';
export * from './option.ts';
export * from './options.ts';
export * from './resolve.ts';
export * from './synonyms.ts';
export * from './units.ts';
