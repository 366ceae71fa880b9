import type { Client } from 'aerospike';

/** What a cluster counts in one namespace, replicas included. */
export interface UsedSpace {
  readonly records: number;
  readonly dataBytes: number;
  /** Of the primary index; undefined where the server has none to tell of. */
  readonly indexBytes: number | undefined;
}

export async function usedSpace(client: Client, namespace: string): Promise<UsedSpace> {
  const nodes = await fieldsOfNodes(client, `namespace/${namespace}`, ';');
  const sum = (name: string): number => nodes.reduce((total, fields) => total + Number(fields.get(name)), 0);
  const hasIndex = nodes.some((fields) => fields.has('index_used_bytes'));
  return {
    records: sum('objects'),
    dataBytes: sum('data_used_bytes'),
    indexBytes: hasIndex ? sum('index_used_bytes') : undefined,
  };
}

export async function recordsOfSet(client: Client, namespace: string, set: string): Promise<number> {
  const nodes = await fieldsOfNodes(client, `sets/${namespace}/${set}`, ':');
  return nodes.reduce((total, fields) => total + Number(fields.get('objects') ?? 0), 0);
}

/** `aerospike-dev`, or the edition and version of a real server. */
export async function serverName(client: Client): Promise<string> {
  const [release] = await fieldsOfNodes(client, 'release', ';');
  if (release?.get('millrace-aerospike-dev') === 'true') return 'aerospike-dev';
  return textOf(await client.infoAny('version'));
}

async function fieldsOfNodes(client: Client, command: string, separator: string): Promise<Map<string, string>[]> {
  const answers = await client.infoAll(command);
  return answers.map(({ info }) => {
    const fields = textOf(info ?? '')
      .replace(/;$/, '')
      .split(separator);
    return new Map(fields.map((field) => field.split('=', 2) as [string, string]));
  });
}

/** An answer without the question before it. */
const textOf = (answer: string): string => answer.trim().split('\t').at(-1)!;
