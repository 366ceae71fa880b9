import { OPERATION, PARTICLE } from '../protocol/constants.ts';
import { OPERATION_HEADER_BYTES } from '../protocol/operation.ts';

/**
 * The bins of a record are kept as the run of operations that a read of the record answers with, one character a byte:
 * a read copies them to the answer as they are, and a one-byte string costs far less memory than a Buffer.
 */
export type PackedBins = string;

/** A value as it travels: its type and its bytes. */
export interface Particle {
  readonly type: number;
  readonly data: Buffer;
}

export type Bins = Map<string, Particle>;

const NOTHING: Particle = { type: PARTICLE.null, data: Buffer.alloc(0) };

/** What a bin without a value is answered as. */
export const nullParticle = (): Particle => NOTHING;

export function unpackBins(packed: PackedBins): Bins {
  const bytes = Buffer.from(packed, 'latin1');
  const bins: Bins = new Map();
  let at = 0;
  while (at < bytes.length) {
    const next = at + 4 + bytes.readUInt32BE(at);
    const dataAt = at + OPERATION_HEADER_BYTES + bytes[at + 7]!;
    const name = bytes.toString('latin1', at + OPERATION_HEADER_BYTES, dataAt);
    bins.set(name, { type: bytes[at + 5]!, data: bytes.subarray(dataAt, next) });
    at = next;
  }
  return bins;
}

/** One bin, without unpacking the others. */
export function findBin(packed: PackedBins, name: string): Particle | undefined {
  let at = 0;
  while (at < packed.length) {
    const dataAt = at + OPERATION_HEADER_BYTES + packed.charCodeAt(at + 7);
    const next = at + 4 + operationSize(packed, at);
    if (packed.slice(at + OPERATION_HEADER_BYTES, dataAt) === name) {
      return { type: packed.charCodeAt(at + 5), data: Buffer.from(packed.slice(dataAt, next), 'latin1') };
    }
    at = next;
  }
  return undefined;
}

/** The first four bytes of the operation at that place: its length without them. */
export const operationSize = (packed: PackedBins, at: number): number =>
  packed.charCodeAt(at) * 0x1000000 +
  ((packed.charCodeAt(at + 1) << 16) | (packed.charCodeAt(at + 2) << 8) | packed.charCodeAt(at + 3));

/** Name and value of each bin; the same name may come more than once in an answer. */
export function packBins(bins: Iterable<readonly [string, Particle]>): PackedBins {
  const entries = [...bins];
  let length = 0;
  for (const [name, { data }] of entries) length += OPERATION_HEADER_BYTES + name.length + data.length;
  const bytes = Buffer.allocUnsafe(length);
  let at = 0;
  for (const [name, { type, data }] of entries) {
    at = bytes.writeUInt32BE(4 + name.length + data.length, at);
    bytes[at] = OPERATION.read;
    bytes[at + 1] = type;
    bytes[at + 2] = 0;
    bytes[at + 3] = name.length;
    at += 4;
    at += bytes.write(name, at, 'latin1');
    at += data.copy(bytes, at);
  }
  return bytes.toString('latin1');
}
