import { answerOf } from './client.ts';
import type { Records } from './records.ts';

/** What a server says of one of its namespaces. */
export interface NamespaceInfo {
  /** Whether a write with a TTL is taken; otherwise it is refused with code 22. */
  readonly takesTtl: boolean;
  /**
   * How old a write must be to survive a power loss, milliseconds: 0 where the server has it on disk before it answers,
   * undefined where it keeps nothing on disk.
   */
  readonly syncLagMs: number | undefined;
}

/** Aerospike writes its buffers to the disk once a second (`flush-max-ms`), whether they are full or not. */
const SYNC_LAG_MS = 3000;

/** @throws UNAVAILABLE */
export async function namespaceInfo(records: Records, namespace: string): Promise<NamespaceInfo> {
  const answers = await records.run((client) => client.infoAll(`namespace/${namespace}`));
  const settings = fieldsOf(answerOf(answers[0]?.info), ';');
  const takesTtl =
    Number.parseInt(settings['nsup-period'] ?? '0', 10) > 0 || settings['allow-ttl-without-nsup'] === 'true';
  // Since 7.0 also a namespace in memory may be backed by files or devices.
  const isOnDisk =
    ['device', 'pmem'].includes(settings['storage-engine'] ?? '') ||
    Object.keys(settings).some((name) => /^storage-engine\.(?:file|device)\[\d+\]$/.test(name));
  const isAtOnce = settings['storage-engine.commit-to-device'] === 'true';
  return { takesTtl, syncLagMs: isAtOnce ? 0 : isOnDisk ? SYNC_LAG_MS : undefined };
}

/** How old a write must be to survive a power loss in both places; undefined where it does not in one. */
export const slowerSync = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? undefined : Math.max(a, b);

/** Bytes of a set on all nodes, replicas included; undefined where the server does not say. */
export async function bytesOfSet(records: Records, namespace: string, set: string): Promise<number | undefined> {
  const answers = await records.run((client) => client.infoAll(`sets/${namespace}/${set}`));
  let bytes: number | undefined;
  for (const { info } of answers) {
    const fields = fieldsOf(answerOf(info).replace(/;$/, ''), ':');
    // Servers before 7.0 tell memory and disk apart.
    for (const name of ['data_used_bytes', 'device_data_bytes', 'memory_data_bytes']) {
      if (fields[name] !== undefined) bytes = (bytes ?? 0) + Number(fields[name]);
    }
  }
  return bytes;
}

const fieldsOf = (text: string, separator: string): Readonly<Record<string, string>> =>
  Object.fromEntries(text.split(separator).map((field) => field.split('=', 2) as [string, string]));
