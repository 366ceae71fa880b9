import type { Connector } from '@millrace/core';
import { MemoryBroker } from './memory-broker.ts';

export { MemoryBroker } from './memory-broker.ts';
export { memoryOptions } from './place.ts';

// A memory: URL names a place in this process, so everyone who opens it by URL must meet at one broker. Code that
// wants a broker of its own (a test, two platforms in one process) makes a MemoryBroker and passes it on.
export const connector: Connector = new MemoryBroker().connector;
