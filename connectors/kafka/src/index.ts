import { createConnector } from './connector.ts';

export const connector = createConnector();
export * from './connector.ts';
export { connectionOptions, consumerOptions, producerOptions, topicOptions } from './options.ts';
export { publisherOptions } from './publisher.ts';
export { subscriberOptions } from './subscriber.ts';
