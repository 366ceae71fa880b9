import {
  booleanOption,
  choiceOption,
  durationOption,
  integerOption,
  stringOption,
  type OptionValues,
  type Options,
} from '@millrace/core';

/** How to reach the brokers: in every URL of this connector. */
export const connectionOptions = {
  bootstrapServers: stringOption({
    optional: true,
    minLength: 1,
    description: 'Brokers to begin with, `host:port` with commas between; for URLs that name the topic only',
  }),
  clientId: stringOption({
    default: 'millrace',
    minLength: 1,
    description: 'Name of this client in the logs of Kafka',
  }),
  username: stringOption({ optional: true, description: 'SASL user; also as `user:password@` in the URL' }),
  password: stringOption({
    optional: true,
    secret: true,
    description: 'SASL password; also as `user:password@` in the URL',
  }),
  saslMechanism: choiceOption({
    choices: ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'],
    default: 'PLAIN',
    description: 'How the user proves who they are, where there is one',
  }),
  tls: booleanOption({ default: false, description: 'Encrypt the connections' }),
  tlsCa: stringOption({
    optional: true,
    description: 'File with the certificates to trust, PEM; default: those of the system',
  }),
  tlsCert: stringOption({ optional: true, description: 'File with the certificate to show, PEM' }),
  tlsKey: stringOption({ optional: true, description: 'File with the key of that certificate, PEM' }),
  connectTimeout: durationOption({ default: '5s', min: '1ms', description: 'Longest wait for a connection' }),
  requestTimeout: durationOption({
    default: '10s',
    min: '1s',
    description: 'Longest wait for an answer; then the connection is given up and made anew',
  }),
};

/** How records are sent. */
export const producerOptions = {
  linger: durationOption({
    default: '1ms',
    max: '1m',
    description: 'How long a record may wait for others to share its request',
  }),
  compression: choiceOption({
    choices: ['none', 'gzip', 'snappy', 'lz4', 'zstd'],
    default: 'none',
    description: 'Compression of batches',
  }),
  deliveryTimeout: durationOption({
    default: '30s',
    min: '1s',
    description: 'How long sending is tried again while the broker is away, before the caller gets an error',
  }),
};

/** How a member of a consumer group behaves. */
export const consumerOptions = {
  sessionTimeout: durationOption({
    default: '10s',
    min: '1s',
    max: '30m',
    description:
      'A consumer that is silent for longer loses its partitions to the others; the broker may have limits of its own',
  }),
  maxWait: durationOption({
    default: '500ms',
    max: '5s',
    description: 'How long the broker holds back its answer while there is nothing new',
  }),
};

/** How a missing topic is made. */
export const topicOptions = {
  createTopic: booleanOption({ default: true, description: 'Whether to create the topic when there is none' }),
  replicationFactor: integerOption({
    optional: true,
    min: 1,
    max: 32_767,
    description: 'Copies of a topic that is created; default: what the broker says',
  }),
  retention: durationOption({
    optional: true,
    min: '1s',
    description:
      '`retention.ms` of a topic that is created; default: what the platform says for an event log, else what the broker says',
  }),
};

export type ConnectionValues = OptionValues<Options<typeof connectionOptions>>;
export type ProducerValues = OptionValues<Options<typeof producerOptions>>;
export type ConsumerValues = OptionValues<Options<typeof consumerOptions>>;
export type TopicValues = OptionValues<Options<typeof topicOptions>>;
