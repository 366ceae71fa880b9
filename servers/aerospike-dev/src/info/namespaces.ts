import type { Namespace } from '../storage/namespace.ts';
import type { InfoContext, InfoFamily, InfoParameters } from './command.ts';
import { infoError, pairs } from './command.ts';

const NAMESPACE_NOT_FOUND = infoError(20, 'namespace not found');

/** What the namespaces and their sets hold. */
export const namespaceCommands: InfoFamily = {
  namespaces: ({ database }) => database.namespaces.map(({ name }) => name).join(';'),
  namespace: (context, { path }) => {
    const namespace = context.database.namespace(path[0] ?? '');
    return namespace === undefined ? NAMESPACE_NOT_FOUND : namespaceStatistics(context, namespace);
  },
  'get-config': (context, { named }) => {
    if (named.get('context') !== 'namespace') return pairs({ 'cluster-name': context.cluster.name });
    const namespace = context.database.namespace(named.get('id') ?? named.get('namespace') ?? '');
    return namespace === undefined ? NAMESPACE_NOT_FOUND : pairs(namespaceConfiguration(context, namespace));
  },
  sets: listSets,
  bins: () => '',
};

function namespaceStatistics(context: InfoContext, namespace: Namespace): string {
  return pairs({
    objects: namespace.records,
    master_objects: namespace.records,
    expired_objects: namespace.expired,
    data_used_bytes: namespace.bytes,
    stop_writes: namespace.bytes >= namespace.settings.maxBytes,
    effective_replication_factor: context.cluster.replicationFactor,
    ...namespaceConfiguration(context, namespace),
  });
}

function namespaceConfiguration({ nsupPeriodMs }: InfoContext, { settings }: Namespace) {
  return {
    'default-ttl': settings.defaultTtl,
    'nsup-period': nsupPeriodMs / 1000,
    'allow-ttl-without-nsup': settings.acceptsTtl && nsupPeriodMs === 0,
    'max-record-size': settings.maxRecordBytes,
    'storage-engine': 'memory',
    'storage-engine.data-size': settings.maxBytes,
    'strong-consistency': false,
  };
}

function listSets({ database }: InfoContext, { path }: InfoParameters): string {
  const [wantedNamespace, wantedSet] = path;
  const namespaces = database.namespaces.filter(
    ({ name }) => wantedNamespace === undefined || name === wantedNamespace,
  );
  if (wantedNamespace !== undefined && namespaces.length === 0) return NAMESPACE_NOT_FOUND;
  return namespaces
    .flatMap((namespace) =>
      [...namespace.sets]
        .filter(([set]) => set !== '' && (wantedSet === undefined || set === wantedSet))
        .map(([set, counters]) =>
          pairs(
            {
              ns: namespace.name,
              set: Buffer.from(set, 'latin1').toString(),
              objects: counters.records,
              tombstones: 0,
              data_used_bytes: counters.bytes,
              truncate_lut: counters.truncatedAt,
              truncating: false,
              'default-ttl': 0,
            },
            ':',
          ),
        ),
    )
    .map((line) => `${line};`)
    .join('');
}
