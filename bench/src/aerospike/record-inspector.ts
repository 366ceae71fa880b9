import Aerospike from 'aerospike';
import { PATIENT } from './measured-database.ts';

/** What is known of one record without its content. */
export interface RecordVersion {
  readonly set: string;
  /** How often it was written. */
  readonly generation: number;
}

/** A connected client of one cluster. */
export interface RecordInspector {
  /** By digest: all records of the set. */
  versions(namespace: string, set: string): Promise<Map<string, RecordVersion>>;
  /** Bytes of the bins of each record of the set. */
  sizes(namespace: string, set: string): Promise<number[]>;
  close(): void;
}

/** Looks at the records of a cluster from outside. */
export async function inspectRecords(hosts: string): Promise<RecordInspector> {
  const client = await Aerospike.connect({
    hosts,
    connTimeoutMs: PATIENT.totalTimeout,
    log: { level: Aerospike.log.OFF },
    policies: { query: new Aerospike.QueryPolicy(PATIENT) },
  });
  return {
    async versions(namespace, set) {
      const query = client.query(namespace, set, { nobins: true });
      const found = new Map<string, RecordVersion>();
      for (const { key, gen } of await query.results()) {
        found.set((key as { digest: Buffer }).digest.toString('base64'), { set, generation: gen });
      }
      return found;
    },
    async sizes(namespace, set) {
      const records = await client.query(namespace, set).results();
      return records.map(({ bins }) =>
        Object.entries(bins).reduce((sum, [name, bin]) => sum + name.length + sizeOf(bin), 0),
      );
    },
    close: () => client.close(false),
  };
}

/** An integer takes eight bytes. */
const sizeOf = (bin: unknown): number => (Buffer.isBuffer(bin) || typeof bin === 'string' ? Buffer.byteLength(bin) : 8);
