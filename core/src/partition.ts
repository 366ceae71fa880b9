/** Of a log whose number of partitions nobody has said. */
export const DEFAULT_PARTITIONS = 10;

const MULTIPLIER = 0x5bd1e995;
const SEED = 0x9747b28c;
const encoder = new TextEncoder();
const scratch = new Uint8Array(3 * 256);

/**
 * Partition of a key, as Kafka's default partitioner chooses it (murmur2 of the key's UTF-8 bytes, sign bit cleared,
 * modulo the number of partitions), so that our producers and foreign ones agree.
 * Source: Apache Kafka, `org.apache.kafka.common.utils.Utils.murmur2`.
 */
export function partitionOf(key: string, partitions: number): number {
  // A short key is encoded into one reused buffer: this runs for every event on the thread that answers HTTP.
  if (key.length <= 256) {
    const { written } = encoder.encodeInto(key, scratch);
    return partitionOfHash(murmur2(scratch, written), partitions);
  }
  return partitionOfBytes(encoder.encode(key), partitions);
}

/** As {@link partitionOf}, for a key that is encoded already. */
export const partitionOfBytes = (key: Uint8Array, partitions: number): number =>
  partitionOfHash(murmur2(key), partitions);

const partitionOfHash = (hash: number, partitions: number): number => (hash & 0x7fffffff) % partitions;

/** 32-bit signed hash of the first `length` bytes. */
export function murmur2(bytes: Uint8Array, length: number = bytes.length): number {
  let hash = SEED ^ length;
  let at = 0;
  for (; at + 4 <= length; at += 4) {
    let block = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    block = Math.imul(block, MULTIPLIER);
    block ^= block >>> 24;
    hash = Math.imul(hash, MULTIPLIER) ^ Math.imul(block, MULTIPLIER);
  }
  const rest = length - at;
  if (rest > 0) {
    if (rest === 3) hash ^= bytes[at + 2]! << 16;
    if (rest >= 2) hash ^= bytes[at + 1]! << 8;
    hash = Math.imul(hash ^ bytes[at]!, MULTIPLIER);
  }
  hash ^= hash >>> 13;
  hash = Math.imul(hash, MULTIPLIER);
  return hash ^ (hash >>> 15);
}
