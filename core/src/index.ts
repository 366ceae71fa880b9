export * from './errors.ts';
export * from './event-log.ts';
export * from './key-value-store.ts';
export * from './partition.ts';
export * from './publisher.ts';
export * from './registry.ts';
export * from './state-store.ts';
export * from './subscriber.ts';
