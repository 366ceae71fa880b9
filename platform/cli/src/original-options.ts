import { choiceOption, defineOptions, integerOption, stringOption } from '@millrace/core';

const without = (what: string): string => `${what}; checked, without effect`;
const count = (env: string, what: string) => integerOption({ env, optional: true, min: 0, description: without(what) });

/** Variables of the original analytics platform that name its backends; those of its frontend are options of ours. */
export const originalOptions = defineOptions('original', {
  kafkaBootstrapServers: stringOption({
    env: 'KAFKA_BOOTSTRAP_SERVERS',
    optional: true,
    minLength: 1,
    description: 'Brokers, host:port,host:port: the log is on Kafka, unless --log says otherwise',
  }),
  kafkaTopic: stringOption({ env: 'KAFKA_TOPIC', default: 'tags', minLength: 1, description: 'Topic of the log' }),
  kafkaConsumerId: stringOption({
    env: 'KAFKA_CONSUMER_ID',
    default: 'consumer',
    minLength: 1,
    description: 'client.id, by which Kafka names this process',
  }),
  kafkaPollTimeout: count('KAFKA_POLL_TIMEOUT', 'Milliseconds of a poll'),
  kafkaMaxPollRecords: count('KAFKA_MAX_POLL_RECORDS', 'Records of a poll'),
  aerospikeHostname: stringOption({
    env: 'AEROSPIKE_HOSTNAME',
    optional: true,
    minLength: 1,
    description: 'Node of Aerospike: the state is there, unless --state says otherwise',
  }),
  aerospikePort: integerOption({ env: 'AEROSPIKE_PORT', default: 3000, min: 1, max: 65_535, description: 'Its port' }),
  aerospikeProfilesNamespace: stringOption({
    env: 'AEROSPIKE_PROFILES_NAMESPACE',
    default: 'profiles',
    minLength: 1,
    description: 'Namespace of profiles',
  }),
  aerospikeAggregatesNamespace: stringOption({
    env: 'AEROSPIKE_AGGREGATES_NAMESPACE',
    default: 'aggregates',
    minLength: 1,
    description: 'Namespace of aggregates',
  }),
  aerospikeCommitLevel: choiceOption({
    env: 'AEROSPIKE_COMMIT_LEVEL',
    choices: ['MASTER', 'ALL'],
    default: 'ALL',
    description: 'Whether a write waits for the replicas',
  }),
  aerospikeProfilesBin: stringOption({
    env: 'AEROSPIKE_PROFILES_BIN',
    optional: true,
    description: without('Bin of profiles'),
  }),
  aerospikeGenerationPolicy: choiceOption({
    env: 'AEROSPIKE_GENERATION_POLICY',
    choices: ['EQ', 'GT', 'NONE'],
    optional: true,
    description: without('Check of the generation on writing'),
  }),
  aerospikeBucketsPerKey: integerOption({
    env: 'AEROSPIKE_BUCKETS_PER_KEY',
    optional: true,
    min: 1,
    description: without('Minutes per record'),
  }),
  maxParallelWrites: count('MAX_PARALLEL_WRITES', 'Writes at a time'),
});
