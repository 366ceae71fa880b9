import { decode } from '../msgpack/decode.ts';
import { particleOf } from '../msgpack/encode.ts';
import type { MapOrder, Value } from '../msgpack/values.ts';
import { ListValue, MapValue } from '../msgpack/values.ts';
import { PARTICLE } from '../protocol/constants.ts';
import type { Operation } from '../protocol/operation.ts';
import { CommandError, RESULT } from '../protocol/result-code.ts';
import type { Bins, Particle } from '../storage/packed-bins.ts';
import { appendToBytes } from './append-bytes.ts';
import { Arguments, incompatible, wrong } from './arguments.ts';
import type { Location } from './context.ts';
import { created, follow, readSteps } from './context.ts';
import { CREATING_LIST_OPERATIONS, LIST_OPERATIONS } from './list-operations.ts';
import { CREATING_MAP_OPERATIONS, FIRST_MAP_OPERATION, MAP_OPERATIONS } from './map-operations.ts';

/** Stands before the context in an operation on a nested list or map. */
const WITH_CONTEXT = 0xff;

const FIRST_LIST_READ = 16;
const LAST_LIST_READ = 31;
const FIRST_MAP_READ = 96;

export function readCollection(bins: Bins, { name, data }: Operation): Particle | undefined {
  const bin = bins.get(name);
  if (bin === undefined) return undefined;
  const call = decode(data);
  const { answer } = runOnCollection(collectionOf(bin, call), call);
  return answer === undefined ? undefined : particleOf(answer);
}

export function modifyCollection(bins: Bins, { name, data }: Operation): Particle | undefined {
  const bin = bins.get(name);
  const appended = bin?.type === PARTICLE.list ? appendToBytes(bin.data, data) : undefined;
  if (appended !== undefined) {
    bins.set(name, { type: PARTICLE.list, data: appended.bytes });
    return particleOf(appended.count);
  }
  const call = decode(data);
  const { answer, root } = runOnCollection(bin && collectionOf(bin, call), call);
  if (root !== undefined) bins.set(name, particleOf(root));
  return answer === undefined ? undefined : particleOf(answer);
}

function collectionOf({ type, data }: Particle, call: Value): Value {
  if (type === PARTICLE.list || type === PARTICLE.map) return decode(data);
  throw partsOf(call)[0] === WITH_CONTEXT
    ? wrong('a context leads into a list or a map')
    : incompatible('the bin is neither a list nor a map');
}

/**
 * Runs one operation on a list or map, or on one inside of it, which it changes.
 *
 * @param root undefined for a bin that does not exist
 * @param call the code with its parameters, or the context and those
 * @returns the answer, undefined for none, and the root, which the operation may have made
 */
export function runOnCollection(
  root: Value | undefined,
  call: Value,
): { answer: Value | undefined; root: Value | undefined } {
  let top = root;
  let here: Location = { value: top, create: 0, replace: (value) => void (top = value) };
  let parts = partsOf(call);
  if (parts[0] === WITH_CONTEXT && parts.length === 3 && parts[1] instanceof ListValue) {
    const steps = parts[1];
    parts = partsOf(parts[2]!);
    here = follow(here, readSteps(steps, !isRead(parts[0])));
  }
  const [code, ...parameters] = parts;
  if (typeof code !== 'number') throw new CommandError(RESULT.parameter, 'an operation on a list or map has no code');
  return { answer: run(here, code, new Arguments(parameters)), root: top };
}

/** Operations that change nothing have codes of their own: 16 to 31 on lists, from 96 on maps. */
const isRead = (code: Value | undefined): boolean =>
  typeof code === 'number' && (code >= FIRST_MAP_READ || (code >= FIRST_LIST_READ && code <= LAST_LIST_READ));

function partsOf(call: Value): readonly Value[] {
  if (call instanceof ListValue) return call.items;
  throw new CommandError(RESULT.parameter, 'an operation on a list or map is not a list');
}

function run(here: Location, code: number, args: Arguments): Value | undefined {
  const isList = code < FIRST_MAP_OPERATION;
  const operation = isList ? undefined : MAP_OPERATIONS.get(code);
  const listOperation = isList ? LIST_OPERATIONS.get(code) : undefined;
  if (operation === undefined && listOperation === undefined) {
    throw new CommandError(RESULT.unsupportedFeature, `aerospike-dev does not know the list or map operation ${code}`);
  }
  const value = here.value ?? made(here, isList, code, args);
  if (value === undefined) return undefined;
  if (value instanceof ListValue && listOperation !== undefined) return listOperation(value, args);
  if (value instanceof MapValue && operation !== undefined) return operation(value, args);
  throw incompatible(`operation ${code} needs a ${isList ? 'list' : 'map'}`);
}

/** The list or map that the operation makes where there is none. */
function made(here: Location, isList: boolean, code: number, args: Arguments): Value | undefined {
  const creating = isList ? CREATING_LIST_OPERATIONS : CREATING_MAP_OPERATIONS;
  if (!creating.has(code)) return undefined;
  let value: ListValue | MapValue;
  if (here.create !== 0) value = created(isList, here.create);
  else {
    const parameter = creating.get(code);
    const order = parameter === undefined ? 0 : args.optionalInteger(parameter, 0);
    value = isList ? new ListValue([], (order & 1) !== 0) : new MapValue([], (order & 3) as MapOrder);
  }
  here.replace(value);
  return value;
}
