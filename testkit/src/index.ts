export * from './millrace-process.ts';
