import { createConnector } from './connector.ts';

export * from './data-directory.ts';
export * from './event-log.ts';
export * from './event-log-reader.ts';
export * from './key-value-store.ts';

/** What the registry loads for `embedded:` URLs. */
export const connector = createConnector();
