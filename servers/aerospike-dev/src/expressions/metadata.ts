import { valueOf } from '../msgpack/particle-value.ts';
import type { Value } from '../msgpack/values.ts';
import { Bytes, Double, ListValue, MapValue, integerValue, isInteger } from '../msgpack/values.ts';
import { EPOCH_SECONDS, PARTICLE } from '../protocol/constants.ts';
import { recordBytes, secondsSince2010 } from '../storage/record.ts';
import type { EvaluationContext } from './context.ts';
import { nameOf } from './unknown.ts';

/** What a record says; undefined is an unknown result. */
type Read = (context: EvaluationContext, operands: readonly Value[]) => Value | undefined;

/** Types of values in expressions. */
const TYPE = { nil: 0, boolean: 1, integer: 2, string: 3, list: 4, map: 5, blob: 6, double: 7, geoJson: 8 } as const;

const NANOSECONDS = 1_000_000n;

/** By code. */
export const METADATA: ReadonlyMap<number, Read> = new Map<number, Read>([
  [64, digestModulo],
  [65, size],
  [66, ({ record }) => record && integerValue(BigInt(record.lastUpdate) * NANOSECONDS)],
  [67, ({ record }) => record && Date.now() - record.lastUpdate],
  [68, voidTime],
  [69, ttl],
  [70, ({ record }) => record?.set ?? ''],
  [71, ({ record }) => (record?.key ?? '') !== ''],
  [72, () => false],
  [73, size],
  [74, size],
  [80, key],
  [81, ({ bin }, [type, name]) => ofType(bin(nameOf(name)), Number(type))],
  [82, ({ bin }, [name]) => bin(nameOf(name))?.type ?? PARTICLE.null],
]);

/** The last four bytes of the digest, lowest first. */
function digestModulo({ digest }: EvaluationContext, [modulus]: readonly Value[]): Value | undefined {
  const divisor = Number(modulus ?? 0);
  return divisor === 0 ? undefined : Buffer.from(digest, 'latin1').readUInt32LE(16) % divisor;
}

function size({ record }: EvaluationContext): Value {
  return record === undefined ? 0 : recordBytes(record);
}

/** In nanoseconds since 1970, -1 = never. */
function voidTime({ record }: EvaluationContext): Value | undefined {
  if (record === undefined) return undefined;
  return record.voidTime === 0 ? -1 : integerValue(BigInt(record.voidTime + EPOCH_SECONDS) * 1_000_000_000n);
}

/** In seconds, -1 = for ever. */
function ttl({ record }: EvaluationContext): Value | undefined {
  if (record === undefined) return undefined;
  return record.voidTime === 0 ? -1 : record.voidTime - secondsSince2010(Date.now());
}

function key({ record }: EvaluationContext, [type]: readonly Value[]): Value | undefined {
  if (record === undefined || record.key === '') return undefined;
  return ofType({ type: record.key.charCodeAt(0), data: Buffer.from(record.key.slice(1), 'latin1') }, Number(type));
}

function ofType(particle: Parameters<typeof valueOf>[0] | undefined, type: number): Value | undefined {
  if (particle === undefined) return undefined;
  const value = valueOf(particle);
  return typeOf(value) === type ? value : undefined;
}

function typeOf(value: Value): number {
  if (value === null) return TYPE.nil;
  if (typeof value === 'boolean') return TYPE.boolean;
  if (isInteger(value)) return TYPE.integer;
  if (typeof value === 'string') return TYPE.string;
  if (value instanceof ListValue) return TYPE.list;
  if (value instanceof MapValue) return TYPE.map;
  if (value instanceof Double) return TYPE.double;
  return value instanceof Bytes && value.type === PARTICLE.geoJson ? TYPE.geoJson : TYPE.blob;
}
