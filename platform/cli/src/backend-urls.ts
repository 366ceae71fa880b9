import { MillraceError, describeOptions, resolveOptions } from '@millrace/core';
import { originalOptions } from './original-options.ts';

export interface BackendUrls {
  readonly logUrl: string;
  readonly stateUrl: string;
  /** Variables of the original platform that are set and mean nothing here, in words for the user. */
  readonly notes: readonly string[];
}

interface Given {
  readonly log: string | undefined;
  readonly state: string | undefined;
  /** Data directory of the embedded log and state, where these can be had. */
  readonly data?: string;
}

type Original = ReturnType<typeof resolveOptions<(typeof originalOptions)['definitions']>>['values'];

/** Options of the original platform that only matter with the one that names the server. */
const PARTS = {
  kafkaBootstrapServers: ['kafkaTopic', 'kafkaConsumerId'],
  aerospikeHostname: [
    'aerospikePort',
    'aerospikeProfilesNamespace',
    'aerospikeAggregatesNamespace',
    'aerospikeCommitLevel',
  ],
} as const satisfies Partial<Record<keyof Original, readonly (keyof Original)[]>>;

/**
 * Where log and state are: by option, else by the variables of the original platform, else in the data directory.
 *
 * @throws INVALID_OPTION for a variable of the original platform whose value it would have refused, too, and when nothing
 *   says where they are
 */
export function backendUrls({ log, state, data }: Given, env: NodeJS.ProcessEnv): BackendUrls {
  const { values, sources } = resolveOptions(originalOptions, { env });
  const used = new Set<string>();
  const from = (server: keyof typeof PARTS, url: () => string): string | undefined => {
    if (values[server] === undefined) return undefined;
    for (const name of [server, ...PARTS[server]]) used.add(name);
    return url();
  };
  const embedded = data === undefined ? undefined : `embedded:${data}`;
  const logUrl = log ?? from('kafkaBootstrapServers', () => kafkaUrl(values)) ?? embedded;
  const stateUrl = state ?? from('aerospikeHostname', () => aerospikeUrl(values)) ?? embedded;
  if (logUrl === undefined) throw missing('--log', 'kafka://host:9092/tags', 'KAFKA_BOOTSTRAP_SERVERS');
  if (stateUrl === undefined) throw missing('--state', 'redis://host:6379', 'AEROSPIKE_HOSTNAME');
  const idle = describeOptions(originalOptions)
    .filter(({ name }) => sources[name as keyof typeof sources] === 'environment' && !used.has(name))
    .map(({ env: variable }) => variable);
  return { logUrl, stateUrl, notes: idle.length === 0 ? [] : [`These variables have no effect: ${idle.join(', ')}`] };
}

function kafkaUrl({ kafkaBootstrapServers, kafkaTopic, kafkaConsumerId }: Original): string {
  const query = new URLSearchParams({ client_id: kafkaConsumerId });
  return `kafka://${kafkaBootstrapServers}/${encodeURIComponent(kafkaTopic)}?${query.toString()}`;
}

function aerospikeUrl(values: Original): string {
  const query = new URLSearchParams({
    aggregates_namespace: values.aerospikeAggregatesNamespace,
    commit_level: values.aerospikeCommitLevel.toLowerCase(),
  });
  const place = `${values.aerospikeHostname}:${values.aerospikePort}`;
  return `aerospike://${place}/${encodeURIComponent(values.aerospikeProfilesNamespace)}?${query.toString()}`;
}

function missing(flag: string, example: string, variable: string): MillraceError {
  const accepted = `a URL such as ${example}`;
  const message = `${flag} is missing: give ${accepted}, or set ${variable}; \`millrace up\` needs neither`;
  return new MillraceError('INVALID_OPTION', message, { field: flag, accepted });
}
