import { RESULT } from '../protocol/result-code.ts';
import type { Namespace } from '../storage/namespace.ts';
import type { CollectionType, IndexedType, SecondaryIndex } from '../storage/secondary-index.ts';
import type { InfoContext, InfoFamily, InfoParameters } from './command.ts';
import { infoError, pairs } from './command.ts';

const NAMESPACE_NOT_FOUND = infoError(RESULT.namespaceNotFound, 'namespace not found');
const INDEX_NOT_FOUND = infoError(RESULT.indexNotFound, 'no index');
const COLLECTIONS: readonly string[] = ['DEFAULT', 'LIST', 'MAPKEYS', 'MAPVALUES'] satisfies CollectionType[];
const TYPES: ReadonlyMap<string, IndexedType> = new Map([
  ['NUMERIC', 'NUMERIC'],
  ['INTEGER', 'NUMERIC'],
  ['STRING', 'STRING'],
  ['BLOB', 'BLOB'],
]);

/** Secondary indexes. Queries look at every record of the set, so an index is ready at once. */
export const indexCommands: InfoFamily = {
  'sindex-create': create,
  'sindex-delete': remove,
  'sindex-exists': (context, { named }) => {
    const namespace = find(context, named.get('namespace') ?? named.get('ns'));
    return String(namespace?.indexes.has(named.get('indexname') ?? '') ?? false);
  },
  'sindex-stat': (context, { named }) =>
    statistics(find(context, named.get('namespace') ?? named.get('ns')), named.get('indexname')),
  'sindex-list': (context, { named }) => list(context, named.get('namespace') ?? named.get('ns')),
  sindex: (context, { path }) =>
    path.length > 1 ? statistics(find(context, path[0]), path[1]) : list(context, path[0]),
};

const find = ({ database }: InfoContext, name: string | undefined): Namespace | undefined =>
  database.namespace(name ?? '');

function create(context: InfoContext, { named }: InfoParameters): string {
  const namespace = find(context, named.get('namespace') ?? named.get('ns'));
  if (namespace === undefined) return NAMESPACE_NOT_FOUND;
  const [binInData, typeInData] = named.get('indexdata')?.split(',') ?? [];
  const name = named.get('indexname') ?? '';
  const bin = named.get('bin') ?? binInData ?? '';
  const type = TYPES.get((named.get('type') ?? typeInData ?? '').toUpperCase());
  const collection = (named.get('indextype') ?? 'DEFAULT').toUpperCase();
  if (named.has('context') || named.has('exp')) {
    return infoError(RESULT.unsupportedFeature, 'aerospike-dev has no index on a context or an expression');
  }
  if (name === '' || bin === '' || type === undefined || !COLLECTIONS.includes(collection)) {
    return infoError(RESULT.parameter, 'indexname, bin, type (numeric, string, blob) or indextype is missing or wrong');
  }
  const index: SecondaryIndex = {
    name,
    set: inBytes(named.get('set')),
    bin: inBytes(bin) ?? '',
    type,
    collection: collection as CollectionType,
  };
  const existing = namespace.indexes.get(name);
  if (existing !== undefined && !sameTarget(existing, index)) {
    return infoError(RESULT.indexFound, "'indexname' already exists with different definition");
  }
  // As on a real server (8.0, `cmd_sindex_create`), another name for the same definition renames the index.
  for (const other of namespace.indexes.values()) if (sameTarget(other, index)) namespace.indexes.delete(other.name);
  namespace.indexes.set(name, index);
  return 'ok';
}

const sameTarget = (a: SecondaryIndex, b: SecondaryIndex): boolean =>
  a.set === b.set && a.bin === b.bin && a.type === b.type && a.collection === b.collection;

function remove(context: InfoContext, { named }: InfoParameters): string {
  const namespace = find(context, named.get('namespace') ?? named.get('ns'));
  if (namespace === undefined) return NAMESPACE_NOT_FOUND;
  namespace.indexes.delete(named.get('indexname') ?? '');
  // Whether it was there or not: so does a real server (8.0, `cmd_sindex_delete`).
  return 'ok';
}

function statistics(namespace: Namespace | undefined, name: string | undefined): string {
  if (namespace === undefined) return NAMESPACE_NOT_FOUND;
  if (!namespace.indexes.has(name ?? '')) return INDEX_NOT_FOUND;
  return pairs({ load_pct: 100, entries: namespace.records });
}

function list({ database }: InfoContext, wanted: string | undefined): string {
  const namespaces = wanted === undefined ? database.namespaces : [database.namespace(wanted)];
  return namespaces
    .flatMap((namespace) =>
      [...(namespace?.indexes.values() ?? [])].map(({ name, set, bin, type, collection }) =>
        pairs(
          {
            ns: namespace!.name,
            indexname: name,
            set: set ?? 'NULL',
            bin,
            type,
            indextype: collection,
            context: 'NULL',
            state: 'RW',
          },
          ':',
        ),
      ),
    )
    .map((line) => `${line};`)
    .join('');
}

/** Texts of records have one character a byte. */
const inBytes = (text: string | undefined): string | undefined =>
  text === undefined ? undefined : Buffer.from(text).toString('latin1');
