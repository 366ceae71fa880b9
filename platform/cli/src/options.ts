import {
  DEFAULT_PARTITIONS,
  booleanOption,
  choiceOption,
  defineOptions,
  durationOption,
  integerOption,
  sizeOption,
  stringOption,
} from '@millrace/core';
import type { OptionValues } from '@millrace/core';

export const DEFAULT_DATA_DIRECTORY = '.millrace';

export const upOptions = defineOptions('up', {
  port: integerOption({
    flag: 'port',
    env: 'FRONTEND_PORT',
    default: 8080,
    min: 0,
    max: 65_535,
    description: 'TCP port of the HTTP interface; 0 takes a free one',
  }),
  host: stringOption({
    flag: 'host',
    env: 'FRONTEND_HOSTNAME',
    default: '127.0.0.1',
    minLength: 1,
    description: 'Address to listen on; 0.0.0.0 opens the platform to other machines',
  }),
  data: stringOption({
    flag: 'data',
    env: 'MILLRACE_DATA',
    default: DEFAULT_DATA_DIRECTORY,
    minLength: 1,
    description: 'Data directory; made when there is none',
  }),
  retention: durationOption({
    flag: 'retention',
    env: 'MILLRACE_RETENTION',
    default: '24h',
    min: '1m',
    description: 'How long minutes of aggregates are kept, by the time of the events',
  }),
  keep: integerOption({
    flag: 'keep',
    env: 'NUM_TAGS_TO_KEEP',
    default: 230,
    min: 1,
    max: 100_000,
    description: 'Views, and as many buys, kept per user',
  }),
  defaultLimit: integerOption({
    flag: 'default-limit',
    env: 'DEFAULT_LIMIT',
    default: 200,
    min: 0,
    max: 2 ** 31 - 1,
    description: 'Views, and as many buys, in a profile whose query has no limit',
  }),
  maxRange: durationOption({
    flag: 'max-range',
    env: 'MILLRACE_MAX_RANGE',
    default: '60m',
    min: '1m',
    description: 'Longest time range of an aggregates query',
  }),
  maxFuture: durationOption({
    flag: 'max-future',
    env: 'MILLRACE_MAX_FUTURE',
    default: '24h',
    description: 'A tag dated further ahead of the clock is refused',
  }),
  logRetention: durationOption({
    flag: 'log-retention',
    env: 'MILLRACE_LOG_RETENTION',
    default: '24h',
    description: 'How long processed events stay in the log',
  }),
  logMaxBytes: sizeOption({
    flag: 'log-max-bytes',
    env: 'MILLRACE_LOG_MAX_BYTES',
    default: '20GB',
    min: '1MB',
    description: 'Above this size the oldest events leave the log, even unprocessed',
  }),
  partitions: integerOption({
    flag: 'partitions',
    env: 'MILLRACE_PARTITIONS',
    default: DEFAULT_PARTITIONS,
    min: 1,
    max: 1024,
    description: 'Partitions of the log; fixed once there is data',
  }),
  maxLag: durationOption({
    flag: 'max-lag',
    env: 'MILLRACE_MAX_LAG',
    default: '10s',
    description: '/ready answers 503 when the processor is further behind',
  }),
  logLevel: choiceOption({
    flag: 'log-level',
    env: 'MILLRACE_LOG_LEVEL',
    choices: ['debug', 'info', 'warn', 'error'],
    default: 'warn',
    description: 'What is logged, to standard error',
  }),
  useLogger: booleanOption({ env: 'USE_LOGGER', default: true, description: 'Whether requests may be logged' }),
  logHeaders: booleanOption({ env: 'LOG_HEADERS', default: false, description: 'Log requests with their headers' }),
  logBody: booleanOption({ env: 'LOG_BODY', default: false, description: 'Log requests with their bodies' }),
  adminToken: stringOption({
    env: 'MILLRACE_ADMIN_TOKEN',
    secret: true,
    optional: true,
    minLength: 16,
    description: 'Opens /admin to other machines; a new one at each start by default',
  }),
  demo: booleanOption({
    flag: 'demo',
    default: false,
    description: 'Send generated tags to itself, about 200 a second, so that there is something to see',
  }),
});
export type UpOptions = OptionValues<typeof upOptions>;

const text = (env: string, description: string) => stringOption({ env, optional: true, description });
const number = (env: string, description: string) => integerOption({ env, optional: true, min: 0, description });

/** Variables of the original analytics platform that have no meaning on the embedded store: checked, then ignored. */
export const originalOptions = defineOptions('original', {
  aerospikeHostname: text('AEROSPIKE_HOSTNAME', 'Aerospike node'),
  aerospikePort: number('AEROSPIKE_PORT', 'Its port'),
  aerospikeProfilesNamespace: text('AEROSPIKE_PROFILES_NAMESPACE', 'Namespace of profiles'),
  aerospikeAggregatesNamespace: text('AEROSPIKE_AGGREGATES_NAMESPACE', 'Namespace of aggregates'),
  aerospikeProfilesBin: text('AEROSPIKE_PROFILES_BIN', 'Bin of profiles'),
  aerospikeCommitLevel: choiceOption({
    env: 'AEROSPIKE_COMMIT_LEVEL',
    choices: ['MASTER', 'ALL'],
    optional: true,
    description: 'Replicas a write waits for',
  }),
  aerospikeGenerationPolicy: choiceOption({
    env: 'AEROSPIKE_GENERATION_POLICY',
    choices: ['EQ', 'GT', 'NONE'],
    optional: true,
    description: 'Check of the generation on writing',
  }),
  aerospikeBucketsPerKey: integerOption({
    env: 'AEROSPIKE_BUCKETS_PER_KEY',
    optional: true,
    min: 1,
    description: 'Minutes per record',
  }),
  kafkaTopic: text('KAFKA_TOPIC', 'Topic of tags'),
  kafkaBootstrapServers: text('KAFKA_BOOTSTRAP_SERVERS', 'Brokers, host:port'),
  kafkaGroup: text('KAFKA_GROUP', 'Consumer group of the processors'),
  kafkaConsumerId: text('KAFKA_CONSUMER_ID', 'client.id of a processor'),
  kafkaPollTimeout: number('KAFKA_POLL_TIMEOUT', 'Milliseconds'),
  kafkaMaxPollRecords: number('KAFKA_MAX_POLL_RECORDS', 'Records per poll'),
  maxParallelWrites: number('MAX_PARALLEL_WRITES', 'Writes at a time'),
});
