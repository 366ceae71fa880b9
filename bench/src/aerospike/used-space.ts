import Aerospike from 'aerospike';

export interface UsedSpace {
  readonly records: number;
  readonly bytes: number;
}

/** Records and bytes of the sets of one namespace, as the server counts them. By the name of the set. */
export async function usedSpace(hosts: string, namespace: string): Promise<ReadonlyMap<string, UsedSpace>> {
  const client = await Aerospike.connect({ hosts, log: { level: Aerospike.log.OFF } });
  try {
    const answer = await client.infoAny(`sets/${namespace}`);
    const lines = answer.trim().split('\t').at(-1)!.split(';').filter(Boolean);
    return new Map(
      lines.map((line) => {
        const fields = new Map(line.split(':').map((field) => field.split('=', 2) as [string, string]));
        const used = { records: Number(fields.get('objects')), bytes: Number(fields.get('data_used_bytes')) };
        return [fields.get('set')!, used] as const;
      }),
    );
  } finally {
    client.close(false);
  }
}
