import { OPERATION, PARTICLE } from '../protocol/constants.ts';
import type { Message } from '../protocol/message.ts';
import { OPERATION_HEADER_BYTES, nextOperation } from '../protocol/operation.ts';
import type { PackedBins } from '../storage/packed-bins.ts';
import { operationSize, packBins, unpackBins } from '../storage/packed-bins.ts';

/** The operations of a message that does nothing but write values to different bins. */
export interface PlainBins {
  readonly packed: PackedBins;
  readonly names: readonly string[];
}

/**
 * The operations as the bins of a record, undefined when they are not plain writes. This is what makes a put cheap: the
 * run of operations is stored as it came.
 */
export function plainBins(message: Message): PlainBins | undefined {
  const { bytes, operationsAt, end } = message;
  const names: string[] = [];
  let at = operationsAt;
  for (let index = 0; index < message.operationCount; index++) {
    const next = nextOperation(bytes, at, end);
    if (bytes[at + 4] !== OPERATION.write || bytes[at + 5] === PARTICLE.null || bytes[at + 7] === 0) return undefined;
    const name = bytes.toString('latin1', at + OPERATION_HEADER_BYTES, at + OPERATION_HEADER_BYTES + bytes[at + 7]!);
    if (names.includes(name)) return undefined;
    names.push(name);
    at = next;
  }
  // The codes of the operations stay those of writes: a client does not look at them in an answer.
  return { packed: bytes.toString('latin1', operationsAt, at), names };
}

/** The record's bins after the writes. */
export function mergePlain(plain: PlainBins, existing: PackedBins | undefined): { packed: PackedBins; count: number } {
  if (existing === undefined || coversBins(plain, existing)) return { packed: plain.packed, count: plain.names.length };
  const bins = unpackBins(existing);
  for (const [name, particle] of unpackBins(plain.packed)) bins.set(name, particle);
  return { packed: packBins(bins), count: bins.size };
}

/** Whether every bin of the record is written anew. */
function coversBins({ names }: PlainBins, existing: PackedBins): boolean {
  let at = 0;
  while (at < existing.length) {
    const nameAt = at + OPERATION_HEADER_BYTES;
    if (!names.includes(existing.slice(nameAt, nameAt + existing.charCodeAt(at + 7)))) return false;
    at += 4 + operationSize(existing, at);
  }
  return true;
}
