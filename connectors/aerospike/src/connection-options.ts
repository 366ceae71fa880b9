import {
  booleanOption,
  choiceOption,
  defineOptions,
  durationOption,
  integerOption,
  type Options,
  type OptionValues,
  stringOption,
} from '@millrace/core';

/** What every Aerospike URL may say in its query, for the client itself. */
export const connectionOptions = {
  hosts: stringOption({
    optional: true,
    minLength: 1,
    description: 'Nodes to begin with, `host:port` with commas between; for URLs that name namespace and set only',
  }),
  clusterName: stringOption({ optional: true, description: 'The cluster must have this name' }),
  username: stringOption({
    optional: true,
    description: 'User of an Enterprise cluster; also as `user:password@` in the URL',
  }),
  password: stringOption({
    optional: true,
    secret: true,
    description: 'Its password; also as `user:password@` in the URL',
  }),
  authMode: choiceOption({
    choices: ['internal', 'external', 'external-insecure'],
    default: 'internal',
    description: 'How the user proves who they are, where there is one',
  }),
  tls: booleanOption({ default: false, description: 'Encrypt the connections' }),
  tlsName: stringOption({ optional: true, description: 'Name that the certificates of the nodes must have' }),
  tlsCa: stringOption({ optional: true, description: 'File with the certificates to trust, PEM; default: the system' }),
  tlsCert: stringOption({ optional: true, description: 'File with the certificate to show, PEM' }),
  tlsKey: stringOption({ optional: true, description: 'File with the key of that certificate, PEM' }),
  connectTimeout: durationOption({
    default: '10s',
    min: '1ms',
    description: 'Longest wait for a cluster that is ready to serve',
  }),
  totalTimeout: durationOption({
    default: '1s',
    min: '1ms',
    description: 'Longest wait for an answer, retries of the client included',
  }),
  socketTimeout: durationOption({ default: '1s', min: '1ms', description: 'Longest silence of a connection in use' }),
  maxRetries: integerOption({
    default: 2,
    min: 0,
    max: 100,
    description: 'How often the client repeats a read by itself; writes are repeated by Millrace, which checks first',
  }),
  maxConnsPerNode: integerOption({
    default: 300,
    min: 1,
    max: 10_000,
    description: 'Most connections to one node, which is also the most commands in flight',
  }),
  commitLevel: choiceOption({
    choices: ['all', 'master'],
    anyCase: true,
    default: 'all',
    description: 'Whether a write waits for the replicas',
  }),
};

/** The options of a connection, resolved. */
export type ConnectionValues = OptionValues<Options<typeof connectionOptions>>;

/** The options of a URL that says nothing but where the cluster is. */
export const plainAerospikeOptions: Options<typeof connectionOptions> = defineOptions('aerospike', connectionOptions);
