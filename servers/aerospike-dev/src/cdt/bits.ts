import { decode } from '../msgpack/decode.ts';
import { particleOf } from '../msgpack/encode.ts';
import type { Value } from '../msgpack/values.ts';
import { Bytes, ListValue, integerValue } from '../msgpack/values.ts';
import { PARTICLE } from '../protocol/constants.ts';
import type { Operation } from '../protocol/operation.ts';
import { CommandError, RESULT } from '../protocol/result-code.ts';
import type { Bins, Particle } from '../storage/packed-bins.ts';
import { Arguments, incompatible, notApplicable } from './arguments.ts';
import { bytesOf, sizeOf, startOf } from './bit-arguments.ts';
import { bitsOf, countOnes, scanBits, withBits } from './bit-string.ts';
import { insert, removeBytes, resize } from './blob-length.ts';

/** Flags of a write to a blob. */
const CREATE_ONLY = 1;
const UPDATE_ONLY = 2;
const NO_FAIL = 4;
const PARTIAL = 8;

/** What an addition does beyond its bits; signed is the lowest bit. */
const SIGNED = 1;
const SATURATE = 2;
const WRAP = 4;

const RESIZE = 0;
const INSERT = 1;

/** A change of a blob: what it becomes, and where the flags of the write stand among the parameters. */
interface BitChange {
  readonly flagsAt: number;
  readonly run: (blob: Buffer, args: Arguments) => Buffer;
}

const CHANGES: ReadonlyMap<number, BitChange> = new Map<number, BitChange>([
  [RESIZE, { flagsAt: 1, run: resize }],
  [INSERT, { flagsAt: 2, run: insert }],
  [2, { flagsAt: 2, run: removeBytes }],
  [3, { flagsAt: 3, run: combine((_old, value) => value) }],
  [4, { flagsAt: 3, run: combine((old, value) => old | value) }],
  [5, { flagsAt: 3, run: combine((old, value) => old ^ value) }],
  [6, { flagsAt: 3, run: combine((old, value) => old & value) }],
  [7, { flagsAt: 2, run: (blob, args) => changeBits(blob, args, (old, size) => ~old & ones(size)) }],
  [8, { flagsAt: 3, run: shift((old, by) => old << by) }],
  [9, { flagsAt: 3, run: shift((old, by) => old >> by) }],
  [10, { flagsAt: 3, run: (blob, args) => add(blob, args, args.long(2)) }],
  [11, { flagsAt: 3, run: (blob, args) => add(blob, args, -args.long(2)) }],
  [12, { flagsAt: 3, run: (blob, args) => changeBits(blob, args, (_old, size) => args.long(2) & ones(size)) }],
]);

const READS: ReadonlyMap<number, (blob: Buffer, args: Arguments) => Value> = new Map([
  [50, getBits],
  [51, (blob: Buffer, args: Arguments) => countOnes(readBits64(blob, args))],
  [
    52,
    (blob: Buffer, args: Arguments) => scanBits(readBits64(blob, args), sizeOf(args), args.value(2) === true, false),
  ],
  [53, (blob: Buffer, args: Arguments) => scanBits(readBits64(blob, args), sizeOf(args), args.value(2) === true, true)],
  [54, getInteger],
]);

export function readBits(bins: Bins, { name, data }: Operation): Particle | undefined {
  const bin = bins.get(name);
  if (bin === undefined) return undefined;
  return particleOf(readBlob(blobOf(bin), decode(data)));
}

export function modifyBits(bins: Bins, { name, data }: Operation): undefined {
  const bin = bins.get(name);
  const changed = changeBlob(bin && blobOf(bin), decode(data));
  if (changed !== undefined) bins.set(name, { type: PARTICLE.blob, data: changed });
}

export function readBlob(blob: Buffer, call: Value): Value {
  const { code, args } = parts(call);
  const read = READS.get(code);
  if (read === undefined) throw unknown(code);
  return read(blob, args);
}

/** The changed blob; undefined when nothing changes because the client wants no failure. */
export function changeBlob(blob: Buffer | undefined, call: Value): Buffer | undefined {
  const { code, args } = parts(call);
  const change = CHANGES.get(code);
  if (change === undefined) throw unknown(code);
  const flags = args.optionalInteger(change.flagsAt, 0);
  try {
    if (blob === undefined) {
      if ((flags & UPDATE_ONLY) !== 0 || (code !== RESIZE && code !== INSERT)) {
        throw new CommandError(RESULT.binNotFound, 'there is no blob to change');
      }
    } else if ((flags & CREATE_ONLY) !== 0) {
      throw new CommandError(RESULT.binExists, 'the bin exists');
    }
    return change.run(blob ?? Buffer.alloc(0), args);
  } catch (error) {
    if (error instanceof CommandError && (flags & NO_FAIL) !== 0) return undefined;
    throw error;
  }
}

function parts(call: Value): { code: number; args: Arguments } {
  const [code, ...parameters] = call instanceof ListValue ? call.items : [];
  if (typeof code !== 'number') throw new CommandError(RESULT.parameter, 'an operation on bits has no code');
  return { code, args: new Arguments(parameters) };
}

function blobOf({ type, data }: Particle): Buffer {
  if (type !== PARTICLE.blob) throw incompatible('the bin is not a blob');
  return data;
}

const unknown = (code: number): CommandError =>
  new CommandError(RESULT.unsupportedFeature, `aerospike-dev does not know the bit operation ${code}`);

const ones = (size: number): bigint => (1n << BigInt(size)) - 1n;

function readBits64(blob: Buffer, args: Arguments): bigint {
  const size = sizeOf(args);
  return bitsOf(blob, startOf(blob, args.integer(0), size, 1), size);
}

/** @param partial change as many of the bits as the blob has */
function changeBits(
  blob: Buffer,
  args: Arguments,
  change: (old: bigint, size: number) => bigint,
  partial = false,
): Buffer {
  const offset = args.integer(0);
  const start = startOf(blob, offset, 0, 1);
  const size = partial ? Math.min(sizeOf(args), blob.length * 8 - start) : sizeOf(args);
  startOf(blob, offset, size, 1);
  return withBits(blob, start, size, change(bitsOf(blob, start, size), size));
}

function combine(operator: (old: bigint, value: bigint) => bigint): BitChange['run'] {
  return (blob, args) => {
    const value = bytesOf(args, 2);
    const change = (old: bigint, size: number): bigint => {
      if (value.length * 8 < size)
        throw new CommandError(RESULT.parameter, 'the value has fewer bits than are written');
      return operator(old, bitsOf(value, 0, size));
    };
    return changeBits(blob, args, change, (args.optionalInteger(3, 0) & PARTIAL) !== 0);
  };
}

function shift(operator: (old: bigint, by: bigint) => bigint): BitChange['run'] {
  return (blob, args) => changeBits(blob, args, (old, size) => operator(old, args.long(2)) & ones(size));
}

function add(blob: Buffer, args: Arguments, delta: bigint): Buffer {
  const action = args.optionalInteger(4, 0);
  const signed = (action & SIGNED) !== 0;
  return changeBits(blob, args, (old, size) => {
    const [lowest, highest] = signed ? [-(1n << BigInt(size - 1)), (1n << BigInt(size - 1)) - 1n] : [0n, ones(size)];
    const total = (signed ? BigInt.asIntN(size, old) : old) + delta;
    if (total >= lowest && total <= highest) return BigInt.asUintN(size, total);
    if ((action & WRAP) !== 0) return BigInt.asUintN(size, total);
    if ((action & SATURATE) !== 0) return BigInt.asUintN(size, total < lowest ? lowest : highest);
    throw notApplicable('the sum does not fit into its bits');
  });
}

/** The bits, aligned to the left of their bytes. */
function getBits(blob: Buffer, args: Arguments): Value {
  const size = sizeOf(args);
  const bits = readBits64(blob, args);
  const bytes = Buffer.alloc(Math.ceil(size / 8));
  return new Bytes(PARTICLE.blob, withBits(bytes, 0, size, bits).toString('latin1'));
}

function getInteger(blob: Buffer, args: Arguments): Value {
  const size = sizeOf(args);
  if (size < 1 || size > 64) throw new CommandError(RESULT.parameter, 'an integer has 1 to 64 bits');
  const bits = readBits64(blob, args);
  return integerValue((args.optionalInteger(2, 0) & SIGNED) !== 0 ? BigInt.asIntN(size, bits) : bits);
}
