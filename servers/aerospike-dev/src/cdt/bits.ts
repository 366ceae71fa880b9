import { decode } from '../msgpack/decode.ts';
import { particleOf } from '../msgpack/encode.ts';
import type { Value } from '../msgpack/values.ts';
import { Bytes, ListValue, integerValue } from '../msgpack/values.ts';
import { PARTICLE } from '../protocol/constants.ts';
import type { Operation } from '../protocol/operation.ts';
import { CommandError, RESULT } from '../protocol/result-code.ts';
import type { Bins, Particle } from '../storage/packed-bins.ts';
import { Arguments, incompatible, notApplicable, wrong } from './arguments.ts';
import { bytesOf, checkOffset, sizeOf, startOf } from './bit-arguments.ts';
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

/** What NO_FAIL passes over. */
const FORGIVEN: ReadonlySet<number> = new Set([RESULT.binExists, RESULT.binNotFound, RESULT.notApplicable]);

const RESIZE = 0;
const INSERT = 1;

/** Flags that an operation takes. */
const MAKES = CREATE_ONLY | UPDATE_ONLY | NO_FAIL;
const CUTS = UPDATE_ONLY | NO_FAIL | PARTIAL;
const COUNTS = UPDATE_ONLY | NO_FAIL;

/** A change of a blob: what is wrong with its parameters, what it becomes, and the flags of the write that it takes. */
interface BitChange {
  readonly flags: number;
  /** Where the flags stand among the parameters. */
  readonly flagsAt: number;
  /** Before the blob is looked at. @throws CommandError */
  readonly check: (args: Arguments) => void;
  readonly run: (blob: Buffer, args: Arguments) => Buffer;
}

const CHANGES: ReadonlyMap<number, BitChange> = new Map<number, BitChange>([
  [RESIZE, { flags: MAKES, flagsAt: 1, check: checkNothing, run: resize }],
  [INSERT, { flags: MAKES, flagsAt: 2, check: (args) => void bytesOf(args, 1), run: insert }],
  [2, { flags: CUTS, flagsAt: 2, check: (args) => void sizeOf(args, 8), run: removeBytes }],
  [3, combine((_old, value) => value)],
  [4, combine((old, value) => old | value)],
  [5, combine((old, value) => old ^ value)],
  [6, combine((old, value) => old & value)],
  [
    7,
    {
      flags: CUTS,
      flagsAt: 2,
      check: checkBits,
      run: (blob, args) => changeBits(blob, args, (old, size) => ~old & ones(size), isPartial(args, 2)),
    },
  ],
  [8, shift((old, by) => old << by)],
  [9, shift((old, by) => old >> by)],
  [10, arithmetic((blob, args) => add(blob, args, 1n))],
  [11, arithmetic((blob, args) => add(blob, args, -1n))],
  [12, arithmetic((blob, args) => changeBits(blob, args, (_old, size) => args.long(2) & ones(size)))],
]);

interface BitRead {
  readonly parameters: number;
  readonly check: (args: Arguments) => void;
  readonly run: (blob: Buffer, args: Arguments) => Value;
}

const READS: ReadonlyMap<number, BitRead> = new Map<number, BitRead>([
  [50, { parameters: 2, check: checkBits, run: getBits }],
  [51, { parameters: 2, check: checkBits, run: (blob, args) => countOnes(readBits64(blob, args)) }],
  [52, scan(false)],
  [53, scan(true)],
  [54, { parameters: 3, check: checkInteger, run: getInteger }],
]);

export function readBits(bins: Bins, { name, data }: Operation): Particle | undefined {
  const bin = bins.get(name);
  if (bin === undefined) return undefined;
  const { read, args } = readOf(decode(data));
  return particleOf(read.run(blobOf(bin), args));
}

export function modifyBits(bins: Bins, { name, data }: Operation): undefined {
  const bin = bins.get(name);
  const changed = changedBlob(decode(data), bin && (() => blobOf(bin)));
  if (changed !== undefined) bins.set(name, { type: PARTICLE.blob, data: changed });
}

export function readBlob(blob: Buffer, call: Value): Value {
  const { read, args } = readOf(call);
  return read.run(blob, args);
}

/** The changed blob; undefined when nothing changes because the client wants no failure. */
export const changeBlob = (blob: Buffer | undefined, call: Value): Buffer | undefined =>
  changedBlob(call, blob && (() => blob));

function readOf(call: Value): { read: BitRead; args: Arguments } {
  const { code, args } = parts(call);
  const read = READS.get(code);
  if (read === undefined) throw unknown(code);
  if (args.count > read.parameters) throw wrong('a read of bits takes no policy');
  read.check(args);
  return { read, args };
}

/** @param blobIn undefined for none; it throws where the bin is none */
function changedBlob(call: Value, blobIn: (() => Buffer) | undefined): Buffer | undefined {
  const { code, args } = parts(call);
  const change = CHANGES.get(code);
  if (change === undefined) throw unknown(code);
  change.check(args);
  const flags = args.optionalInteger(change.flagsAt, 0);
  if ((flags & ~change.flags) !== 0 || (flags & (CREATE_ONLY | UPDATE_ONLY)) === (CREATE_ONLY | UPDATE_ONLY)) {
    throw wrong(`a change of bits does not take the flags ${flags}`);
  }
  try {
    if (blobIn === undefined) {
      if ((flags & UPDATE_ONLY) !== 0 || (code !== RESIZE && code !== INSERT)) {
        throw new CommandError(RESULT.binNotFound, 'there is no blob to change');
      }
    } else if ((flags & CREATE_ONLY) !== 0) {
      throw new CommandError(RESULT.binExists, 'the bin exists');
    }
    return change.run(blobIn?.() ?? Buffer.alloc(0), args);
  } catch (error) {
    if (error instanceof CommandError && (flags & NO_FAIL) !== 0 && FORGIVEN.has(error.code)) return undefined;
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

function checkNothing(args: Arguments): void {
  args.integer(0);
}

function checkBits(args: Arguments): void {
  checkOffset(args.integer(0), 1);
  sizeOf(args);
}

function checkInteger(args: Arguments): void {
  checkBits(args);
  if (sizeOf(args) > 64) throw wrong('an integer has 1 to 64 bits');
}

/** @param partial change as many of the bits as the blob has */
function changeBits(
  blob: Buffer,
  args: Arguments,
  change: (old: bigint, size: number) => bigint,
  partial = false,
): Buffer {
  const offset = args.integer(0);
  const start = startOf(blob, offset, partial ? 1 : 0, 1);
  const size = partial ? Math.min(sizeOf(args), blob.length * 8 - start) : sizeOf(args);
  startOf(blob, offset, size, 1);
  return withBits(blob, start, size, change(bitsOf(blob, start, size), size));
}

const isPartial = (args: Arguments, flagsAt: number): boolean => (args.optionalInteger(flagsAt, 0) & PARTIAL) !== 0;

function combine(operator: (old: bigint, value: bigint) => bigint): BitChange {
  return {
    flags: CUTS,
    flagsAt: 3,
    check: (args) => {
      checkBits(args);
      if (bytesOf(args, 2).length * 8 < sizeOf(args)) throw wrong('the value has fewer bits than are written');
    },
    run: (blob, args) => {
      const value = bytesOf(args, 2);
      return changeBits(blob, args, (old, size) => operator(old, bitsOf(value, 0, size)), isPartial(args, 3));
    },
  };
}

function shift(operator: (old: bigint, by: bigint) => bigint): BitChange {
  return {
    flags: CUTS,
    flagsAt: 3,
    check: checkBits,
    run: (blob, args) =>
      changeBits(blob, args, (old, size) => operator(old, args.long(2)) & ones(size), isPartial(args, 3)),
  };
}

function arithmetic(run: BitChange['run']): BitChange {
  return { flags: COUNTS, flagsAt: 3, check: checkInteger, run };
}

function add(blob: Buffer, args: Arguments, sign: bigint): Buffer {
  const action = args.optionalInteger(4, 0);
  const signed = (action & SIGNED) !== 0;
  return changeBits(blob, args, (old, size) => {
    const [lowest, highest] = signed ? [-(1n << BigInt(size - 1)), (1n << BigInt(size - 1)) - 1n] : [0n, ones(size)];
    // The value is one of so many bits as well, whatever it was given as.
    const fitted = signed ? BigInt.asIntN(size, args.long(2)) : BigInt.asUintN(size, args.long(2));
    const total = (signed ? BigInt.asIntN(size, old) : old) + sign * fitted;
    if (total >= lowest && total <= highest) return BigInt.asUintN(size, total);
    if ((action & WRAP) !== 0) return BigInt.asUintN(size, total);
    if ((action & SATURATE) !== 0) return BigInt.asUintN(size, total < lowest ? lowest : highest);
    throw notApplicable('the sum does not fit into its bits');
  });
}

function scan(fromRight: boolean): BitRead {
  return {
    parameters: 3,
    check: checkBits,
    run: (blob, args) => scanBits(readBits64(blob, args), sizeOf(args), args.value(2) === true, fromRight),
  };
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
  const bits = readBits64(blob, args);
  return integerValue((args.optionalInteger(2, 0) & SIGNED) !== 0 ? BigInt.asIntN(size, bits) : bits);
}
