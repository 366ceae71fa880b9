import {
  booleanOption,
  defineOptions,
  durationOption,
  integerOption,
  listOption,
  secondsOption,
  sizeOption,
  stringOption,
} from '@millrace/core';
import { EXIT, defineCommand } from '../command.ts';

export const aerospikeDevCommand = defineCommand({
  name: 'aerospike-dev',
  summary: "Run a server that speaks Aerospike's wire protocol, for development and tests only",
  options: defineOptions('aerospike-dev', {
    port: integerOption({
      flag: 'port',
      default: 3000,
      min: 0,
      max: 65535,
      description: 'TCP port of the first node; 0 takes free ones',
    }),
    host: stringOption({ flag: 'host', default: '127.0.0.1', minLength: 1, description: 'Address to listen on' }),
    accessAddress: stringOption({
      flag: 'access-address',
      optional: true,
      minLength: 1,
      description: 'Address that clients are told, where it is another one than they connect to',
    }),
    namespaces: listOption({
      flag: 'namespaces',
      default: 'test',
      description: 'Namespaces, as Community Edition at most two',
    }),
    nodes: integerOption({
      flag: 'nodes',
      default: 1,
      min: 1,
      max: 16,
      description: 'Simulated nodes, on ports in a row',
    }),
    defaultTtl: secondsOption({
      flag: 'default-ttl',
      default: 0,
      description: 'Life in seconds of a record written without a TTL; 0 is for ever',
    }),
    nsupPeriod: durationOption({
      flag: 'nsup-period',
      default: '1s',
      description: 'How often expired records are removed; 0s refuses every TTL',
    }),
    namespaceSize: sizeOption({
      flag: 'namespace-size',
      default: '1GiB',
      description: 'Size above which a namespace refuses writes',
    }),
    allowManyNamespaces: booleanOption({
      flag: 'allow-many-namespaces',
      default: false,
      description: 'Allow more namespaces than Community Edition',
    }),
    snapshot: stringOption({
      flag: 'snapshot',
      optional: true,
      minLength: 1,
      description: 'File that is read at start and written at stop',
    }),
  }),
  examples: [
    'millrace aerospike-dev',
    'millrace aerospike-dev --port 3100 --namespaces profiles,aggregates --snapshot aerospike.snapshot',
    'millrace aerospike-dev --nodes 3',
  ],
  async run(input) {
    const { options, terminal, interrupted } = input;
    // Loaded here so that no other command pays for it.
    const { NOTICE, runAerospikeDev } = await import('@millrace/aerospike-dev');
    const log = input.logger('warn');
    const server = await runAerospikeDev(
      {
        port: options.port,
        host: options.host,
        namespaces: options.namespaces,
        nodes: options.nodes,
        defaultTtl: Math.round(options.defaultTtl / 1000),
        nsupPeriodMs: options.nsupPeriod,
        maxNamespaceBytes: options.namespaceSize,
        allowManyNamespaces: options.allowManyNamespaces,
        ...(options.accessAddress !== undefined && { accessAddress: options.accessAddress }),
        ...(options.snapshot !== undefined && { snapshot: options.snapshot }),
      },
      (err) => log.error({ err }, 'a command has failed'),
    );
    terminal.note(NOTICE);
    terminal.print(`aerospike-dev listens on ${server.hosts}, namespaces ${options.namespaces.join(', ')}`);
    if (!interrupted.aborted) {
      await new Promise<void>((resolve) => {
        interrupted.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    await server.stop();
    return EXIT.ok;
  },
});
