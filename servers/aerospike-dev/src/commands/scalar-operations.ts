import { PARTICLE } from '../protocol/constants.ts';
import type { Operation } from '../protocol/operation.ts';
import { CommandError, RESULT } from '../protocol/result-code.ts';
import type { Bins } from '../storage/packed-bins.ts';

/** Adds to an integer (wrapping around at 64 bits) or a double; a bin that is not there counts as 0. */
export function increment(bins: Bins, { name, type, data }: Operation): undefined {
  const existing = bins.get(name);
  if (existing !== undefined && existing.type !== type) throw incompatible(name);
  const sum = Buffer.allocUnsafe(8);
  if (type === PARTICLE.integer) {
    const total = integerOf(data) + (existing === undefined ? 0n : existing.data.readBigInt64BE());
    sum.writeBigInt64BE(BigInt.asIntN(64, total));
  } else if (type === PARTICLE.double) {
    sum.writeDoubleBE(data.readDoubleBE() + (existing === undefined ? 0 : existing.data.readDoubleBE()));
  } else {
    throw new CommandError(RESULT.parameter, 'only an integer or a double can be added');
  }
  bins.set(name, { type, data: sum });
}

export function append(bins: Bins, operation: Operation): undefined {
  concatenate(bins, operation, (existing, added) => [existing, added]);
}

export function prepend(bins: Bins, operation: Operation): undefined {
  concatenate(bins, operation, (existing, added) => [added, existing]);
}

function concatenate(
  bins: Bins,
  { name, type, data }: Operation,
  order: (existing: Buffer, added: Buffer) => Buffer[],
): void {
  if (type !== PARTICLE.string && type !== PARTICLE.blob) {
    throw new CommandError(RESULT.parameter, 'only a string or a blob can be appended or prepended');
  }
  const existing = bins.get(name);
  if (existing !== undefined && existing.type !== type) throw incompatible(name);
  bins.set(name, { type, data: existing === undefined ? data : Buffer.concat(order(existing.data, data)) });
}

/** Integers come with 8 bytes, but shorter ones are allowed. */
function integerOf(data: Buffer): bigint {
  if (data.length === 8) return data.readBigInt64BE();
  if (data.length === 0 || data.length > 6) throw new CommandError(RESULT.parameter, 'an integer has 1 to 8 bytes');
  return BigInt(data.readIntBE(0, data.length));
}

const incompatible = (name: string): CommandError =>
  new CommandError(RESULT.incompatibleType, `bin ${name} holds a value of another type`);
