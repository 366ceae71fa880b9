export * from './free-port.ts';
export {
  isKafkaInstalled,
  type KafkaOptions,
  type KafkaSecureListener,
  type KafkaServer,
  startKafka,
} from './kafka.ts';
export * from './redis-command.ts';
export * from './redis.ts';
export type { ServerControl } from './server-process.ts';
