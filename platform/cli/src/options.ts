import { PROCESSOR_GROUP } from '@millrace/analytics';
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
import type { Option, OptionSpec, OptionValues } from '@millrace/core';

export const DEFAULT_DATA_DIRECTORY = '.millrace';

/** Printed without user, password and other secrets. */
const backendOption = (spec: OptionSpec): Option<string | undefined> => ({
  ...stringOption({ ...spec, minLength: 1, optional: true }),
  format: (url) =>
    url?.replace(/\/\/[^@/]*@/, '//***@').replaceAll(/([?&][\w-]*(?:password|secret|token)=)[^&]*/gi, '$1***') ?? '',
});

const listening = {
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
} as const;

/** What all parts of one platform must be given alike. */
const backends = {
  log: backendOption({
    flag: 'log',
    env: 'MILLRACE_LOG',
    description:
      'URL of the event log, such as kafka://host:9092/tags; by default in --data, or by KAFKA_BOOTSTRAP_SERVERS',
  }),
  state: backendOption({
    flag: 'state',
    env: 'MILLRACE_STATE',
    description: 'URL of the state, such as redis://host:6379; by default in --data, or by AEROSPIKE_HOSTNAME',
  }),
  partitions: integerOption({
    flag: 'partitions',
    env: 'MILLRACE_PARTITIONS',
    default: DEFAULT_PARTITIONS,
    min: 1,
    max: 1024,
    description: 'Partitions of the log; fixed once there is data',
  }),
  keep: integerOption({
    flag: 'keep',
    env: 'NUM_TAGS_TO_KEEP',
    default: 230,
    min: 1,
    max: 100_000,
    description: 'Views, and as many buys, kept per user',
  }),
  retention: durationOption({
    flag: 'retention',
    env: 'MILLRACE_RETENTION',
    default: '24h',
    min: '1m',
    description: 'How long minutes of aggregates are kept, by the time of the events',
  }),
} as const;

const limits = {
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
} as const;

const logging = {
  logLevel: choiceOption({
    flag: 'log-level',
    env: 'MILLRACE_LOG_LEVEL',
    choices: ['debug', 'info', 'warn', 'error'],
    default: 'warn',
    description: 'What is logged, to standard error',
  }),
} as const;

const requests = {
  useLogger: booleanOption({ env: 'USE_LOGGER', default: true, description: 'Whether requests may be logged' }),
  logHeaders: booleanOption({ env: 'LOG_HEADERS', default: false, description: 'Log requests with their headers' }),
  logBody: booleanOption({ env: 'LOG_BODY', default: false, description: 'Log requests with their bodies' }),
} as const;

const administration = {
  adminToken: stringOption({
    env: 'MILLRACE_ADMIN_TOKEN',
    secret: true,
    optional: true,
    minLength: 16,
    description: 'Opens /admin to other machines; a new one at each start by default',
  }),
} as const;

const processing = {
  group: stringOption({
    flag: 'group',
    env: 'KAFKA_GROUP',
    default: PROCESSOR_GROUP,
    minLength: 1,
    description: 'Consumer group: its processors share the partitions of the log',
  }),
  maxLag: durationOption({
    flag: 'max-lag',
    env: 'MILLRACE_MAX_LAG',
    default: '10s',
    description: '/ready answers 503 when the processor is further behind',
  }),
} as const;

export const upOptions = defineOptions('up', {
  ...listening,
  data: stringOption({
    flag: 'data',
    env: 'MILLRACE_DATA',
    default: DEFAULT_DATA_DIRECTORY,
    minLength: 1,
    description: 'Data directory; made when there is none',
  }),
  ...backends,
  ...processing,
  ...limits,
  ...logging,
  ...requests,
  ...administration,
  demo: booleanOption({
    flag: 'demo',
    default: false,
    description: 'Send generated tags to itself, about 200 a second, so that there is something to see',
  }),
});
export type UpOptions = OptionValues<typeof upOptions>;

export const frontendOptions = defineOptions('frontend', {
  ...listening,
  ...backends,
  ...limits,
  ...logging,
  ...requests,
  ...administration,
});
export type FrontendOptions = OptionValues<typeof frontendOptions>;

export const processorOptions = defineOptions('processor', {
  ...backends,
  ...processing,
  port: integerOption({
    flag: 'port',
    env: 'MILLRACE_PROCESSOR_PORT',
    optional: true,
    min: 0,
    max: 65_535,
    description: 'TCP port of /health, /ready, /metrics and /admin/status; 0 takes a free one; none by default',
  }),
  host: stringOption({
    flag: 'host',
    env: 'MILLRACE_PROCESSOR_HOST',
    default: '127.0.0.1',
    minLength: 1,
    description: 'Address to listen on, if there is a port',
  }),
  ...logging,
  ...administration,
});
export type ProcessorOptions = OptionValues<typeof processorOptions>;
