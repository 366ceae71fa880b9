import { decode } from '../msgpack/decode.ts';
import type { Value } from '../msgpack/values.ts';
import { Bytes, ListValue, MapValue, isInteger } from '../msgpack/values.ts';
import { FIELD, PARTICLE } from '../protocol/constants.ts';
import type { Message } from '../protocol/message.ts';
import { CommandError, RESULT } from '../protocol/result-code.ts';
import type { Namespace } from '../storage/namespace.ts';
import type { Particle } from '../storage/packed-bins.ts';
import { findBin } from '../storage/packed-bins.ts';
import type { StoredRecord } from '../storage/record.ts';
import type { CollectionType, IndexedType } from '../storage/secondary-index.ts';

const COLLECTIONS: readonly CollectionType[] = ['DEFAULT', 'LIST', 'MAPKEYS', 'MAPVALUES'];

/** What a query wants of a bin. */
interface Range {
  readonly bin: string;
  readonly type: IndexedType;
  readonly fits: (value: Value) => boolean;
}

/** Whether a record is in the range of the query; undefined for a message without one. */
export function indexCondition(
  namespace: Namespace,
  message: Message,
): ((record: StoredRecord) => boolean) | undefined {
  const field = message.field(FIELD.indexRange);
  if (field === undefined) return undefined;
  if (message.has(FIELD.indexContext)) {
    throw new CommandError(RESULT.unsupportedFeature, 'aerospike-dev has no index on a context');
  }
  const indexName = message.text(FIELD.indexName);
  const range = readRange(field, namespace.indexes.get(indexName)?.bin ?? '');
  const collection = COLLECTIONS[message.field(FIELD.indexType)?.[0] ?? 0] ?? 'DEFAULT';
  const set = message.has(FIELD.set) ? message.text(FIELD.set) : undefined;
  const index = [...namespace.indexes.values()].find(
    (candidate) =>
      candidate.bin === range.bin &&
      candidate.type === range.type &&
      candidate.collection === collection &&
      (candidate.set === undefined || candidate.set === set),
  );
  if (index === undefined) throw new CommandError(RESULT.indexNotFound, `no index on bin ${range.bin} fits the query`);
  return ({ bins }) => {
    const bin = findBin(bins, range.bin);
    return bin !== undefined && indexedValues(bin, collection).some(range.fits);
  };
}

/** Count of ranges (always 1), name of the bin, type of particle, first and last value with their lengths. */
function readRange(field: Buffer, indexedBin: string): Range {
  const nameEnd = 2 + (field[1] ?? 0);
  const beginAt = nameEnd + 5;
  if (field[0] !== 1 || field.length < beginAt) throw malformed();
  const endAt = beginAt + field.readUInt32BE(nameEnd + 1) + 4;
  if (field.length < endAt) throw malformed();
  const begin = field.subarray(beginAt, endAt - 4);
  const end = field.subarray(endAt, endAt + field.readUInt32BE(endAt - 4));
  const bin = field.toString('latin1', 2, nameEnd) || indexedBin;
  const type = field[nameEnd];
  if (type === PARTICLE.integer && begin.length === 8 && end.length === 8) {
    const lowest = begin.readBigInt64BE();
    const highest = end.readBigInt64BE();
    if (lowest > highest) throw malformed();
    return { bin, type: 'NUMERIC', fits: (value) => isInteger(value) && value >= lowest && value <= highest };
  }
  const wanted = begin.toString('latin1');
  if (type === PARTICLE.string) return { bin, type: 'STRING', fits: (value) => value === wanted };
  if (type === PARTICLE.blob) {
    return { bin, type: 'BLOB', fits: (value) => value instanceof Bytes && value.data === wanted };
  }
  throw new CommandError(RESULT.unsupportedFeature, 'aerospike-dev queries integers, strings and blobs');
}

/** The values of a bin that an index of that kind holds. */
function indexedValues(bin: Particle, collection: CollectionType): readonly Value[] {
  const isCollection = bin.type === PARTICLE.list || bin.type === PARTICLE.map;
  if (collection === 'DEFAULT') return isCollection ? [] : [scalarValue(bin)];
  if (!isCollection) return [];
  const value = decode(bin.data);
  if (value instanceof ListValue) return collection === 'LIST' ? value.items : [];
  if (!(value instanceof MapValue) || collection === 'LIST') return [];
  return value.entries.map(([key, each]) => (collection === 'MAPKEYS' ? key : each));
}

function scalarValue({ type, data }: Particle): Value {
  if (type === PARTICLE.integer) return data.readBigInt64BE();
  if (type === PARTICLE.string) return data.toString('latin1');
  return type === PARTICLE.blob ? new Bytes(type, data.toString('latin1')) : null;
}

const malformed = (): CommandError => new CommandError(RESULT.parameter, 'the range of a query cannot be read');
