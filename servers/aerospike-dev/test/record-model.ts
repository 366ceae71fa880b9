/** A value of a bin in the model: the types that the steps can make. */
export type ModelValue = number | string | Buffer | readonly number[] | Readonly<Record<string, number>>;

export interface ModelRecord {
  readonly bins: ReadonlyMap<string, ModelValue>;
  readonly generation: number;
  /** Seconds that it was given to live; -1 = for ever. */
  readonly ttl: number;
}

export type ModelOperation =
  | { readonly kind: 'write'; readonly bin: string; readonly value: number | string | null }
  | { readonly kind: 'increment'; readonly bin: string; readonly by: number }
  | { readonly kind: 'append'; readonly bin: string; readonly value: string | Buffer }
  | { readonly kind: 'listAppend'; readonly bin: string; readonly value: number }
  | { readonly kind: 'mapPut'; readonly bin: string; readonly key: string; readonly value: number }
  | { readonly kind: 'touch' };

export type Exists = 'ignore' | 'create' | 'update' | 'replace' | 'createOrReplace';

export type ModelStep =
  | {
      readonly kind: 'write';
      readonly operations: readonly ModelOperation[];
      readonly exists: Exists;
      readonly generation: number | undefined;
      readonly ttl: number | undefined;
    }
  | { readonly kind: 'remove'; readonly generation: number | undefined };

/** The codes of the model: those of the server. */
const CODE = { ok: 0, notFound: 2, generation: 3, parameter: 4, exists: 5, type: 12 } as const;

const KEEP = -2;
const FOR_EVER = -1;

/** What a step does to a record, as it is documented: the code that it is answered with, and the record after it. */
export function after(
  record: ModelRecord | undefined,
  step: ModelStep,
): { code: number; record: ModelRecord | undefined } {
  const refused = (code: number) => ({ code, record });
  const generation = record?.generation ?? 0;
  if (step.kind === 'remove') {
    if (record === undefined) return refused(CODE.notFound);
    const fits = step.generation === undefined || step.generation === generation;
    return fits ? { code: CODE.ok, record: undefined } : refused(CODE.generation);
  }
  const replaces = step.exists === 'replace' || step.exists === 'createOrReplace';
  if (replaces && step.operations.some(buildsOnRecord)) return refused(CODE.parameter);
  const needsRecord =
    step.exists === 'update' || step.exists === 'replace' || step.operations.some(({ kind }) => kind === 'touch');
  if (needsRecord && record === undefined) return refused(CODE.notFound);
  if (step.exists === 'create' && record !== undefined) return refused(CODE.exists);
  if (step.generation !== undefined && step.generation !== generation) return refused(CODE.generation);

  const bins = new Map(replaces ? [] : record?.bins);
  for (const operation of step.operations) if (!apply(bins, operation)) return refused(CODE.type);
  if (bins.size === 0) return record === undefined ? refused(CODE.notFound) : { code: CODE.ok, record: undefined };
  const kept = step.ttl === KEEP ? (record?.ttl ?? FOR_EVER) : (step.ttl ?? FOR_EVER);
  return { code: CODE.ok, record: { bins, generation: generation + 1, ttl: kept } };
}

const buildsOnRecord = (operation: ModelOperation): boolean => operation.kind !== 'write' || operation.value === null;

/** False for a bin that holds a value of another type. */
function apply(bins: Map<string, ModelValue>, operation: ModelOperation): boolean {
  if (operation.kind === 'touch') return true;
  const { bin } = operation;
  const changed = changedValue(bins.get(bin), operation);
  if (changed === undefined) return false;
  if (changed === null) bins.delete(bin);
  else bins.set(bin, changed);
  return true;
}

/** Null for a bin that goes; undefined where the operation does not fit the value. */
function changedValue(
  value: ModelValue | undefined,
  operation: Exclude<ModelOperation, { kind: 'touch' }>,
): ModelValue | null | undefined {
  switch (operation.kind) {
    case 'write':
      return operation.value;
    case 'increment':
      return value === undefined || typeof value === 'number' ? (value ?? 0) + operation.by : undefined;
    case 'append':
      return appended(value, operation.value);
    case 'listAppend':
      return value === undefined || Array.isArray(value) ? [...(value ?? []), operation.value] : undefined;
    default:
      return value === undefined || isMap(value) ? { ...value, [operation.key]: operation.value } : undefined;
  }
}

function appended(value: ModelValue | undefined, added: string | Buffer): ModelValue | undefined {
  if (value === undefined) return added;
  if (typeof value === 'string' && typeof added === 'string') return value + added;
  return Buffer.isBuffer(value) && Buffer.isBuffer(added) ? Buffer.concat([value, added]) : undefined;
}

const isMap = (value: ModelValue): value is Readonly<Record<string, number>> =>
  typeof value === 'object' && !Array.isArray(value) && !Buffer.isBuffer(value);
