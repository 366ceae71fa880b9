export * from './aerospike-dev.ts';
export * from './aerospike.ts';
export * from './any-redis.ts';
export * from './available.ts';
export * from './free-port.ts';
export * from './haproxy.ts';
export type { KafkaSecureListener } from './kafka-listeners.ts';
export {
  type KafkaOptions,
  type KafkaProxiedListener,
  type KafkaServer,
  startKafka,
  type TopicOptions,
} from './kafka.ts';
export * from './redis-cluster.ts';
export * from './redis-command.ts';
export * from './redis-sentinel.ts';
export * from './redis.ts';
export type { ServerControl } from './server-process.ts';
export * from './tcp-proxy.ts';
