export * from './millrace-process.ts';
export * from './key-value-suite.ts';
export * from './contract-suite.ts';
export * from './publisher-suite.ts';
export * from './subscriber-suite.ts';
export * from './kill-rounds.ts';
export * from './tag-oracle.ts';
export * from './tag-sender.ts';
