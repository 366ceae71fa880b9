export * from './millrace-process.ts';
export * from './key-value-suite.ts';
export * from './contract-suite.ts';
export * from './publisher-suite.ts';
export * from './subscriber-suite.ts';
