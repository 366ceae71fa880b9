import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { startAerospikeDevProcess } from '@millrace/testkit';
import Aerospike, { type Client } from 'aerospike';
import { listeningProcess } from '../listening-process.ts';
import { serverName, usedSpace } from './database-info.ts';

/** The Aerospike that is measured. Its namespaces hold nothing else. */
export interface MeasuredDatabase {
  /** For the reader of the figures: product, version and place. */
  readonly name: string;
  /** `host:port,host:port`, as the official client takes it. */
  readonly hosts: string;
  readonly client: Client;
  readonly namespace: string;
  /** Of the rollups; may be the same. */
  readonly aggregates: string;
  /** Of a state in these namespaces. */
  readonly url: string;
  /** Whose CPU is the database's; none where not all of them run on this machine. */
  readonly processes: readonly { readonly pid: number }[];
  /** A real server goes on, without the records. */
  stop(): Promise<void>;
}

/** Bytes and records of the figures must be ours; and nobody's data shall be lost for them. */
const TRUNCATE = 'AEROSPIKE_TRUNCATE';
const TRUNCATE_TIMEOUT_MS = 60_000;
/** The client's own second is short where other tests run beside, or 200 commands at once wait for a slow server. */
export const PATIENT = { totalTimeout: 30_000, socketTimeout: 30_000 };

/**
 * The real server that `AEROSPIKE_URL` names, or an aerospike-dev in a process of its own. All that is measured on
 * Aerospike comes here to learn on which.
 *
 * @throws Error for another form of URL, and for namespaces with records unless `AEROSPIKE_TRUNCATE=1`
 */
export async function startMeasuredDatabase(env: NodeJS.ProcessEnv = process.env): Promise<MeasuredDatabase> {
  const url = env['AEROSPIKE_URL'];
  return url === undefined ? developmentServer() : realServer(url, env[TRUNCATE] === '1');
}

async function developmentServer(): Promise<MeasuredDatabase> {
  const server = await startAerospikeDevProcess();
  const { hosts } = server;
  const client = await connect(hosts);
  return {
    name: 'aerospike-dev in a process of its own; what it takes says nothing of a real server',
    hosts,
    client,
    namespace: 'profiles',
    aggregates: 'aggregates',
    url: `aerospike://${hosts}/profiles?aggregates_namespace=aggregates`,
    processes: [server],
    async stop() {
      client.close(false);
      await server.stop();
    },
  };
}

async function realServer(url: string, mayTruncate: boolean): Promise<MeasuredDatabase> {
  const [, hosts, namespace, aggregates = namespace] =
    /^aerospike:\/\/([^/?@]+)\/([^/?]+)(?:\?aggregates_namespace=([^&]+))?$/.exec(url) ?? [];
  if (hosts === undefined || namespace === undefined || aggregates === undefined) {
    throw new Error(
      `AEROSPIKE_URL is ${url}: write aerospike://localhost:3000/profiles, or with ?aggregates_namespace=aggregates`,
    );
  }
  const namespaces = [...new Set([namespace, aggregates])];
  const client = await connect(hosts);
  try {
    for (const each of namespaces) {
      if (mayTruncate) await truncate(client, each);
      await mustBeEmpty(client, each);
    }
    return {
      name: `${await serverName(client)} at ${hosts}`,
      hosts,
      client,
      namespace,
      aggregates,
      url,
      processes: await processesOf(client),
      async stop() {
        try {
          for (const each of namespaces) await truncate(client, each);
        } finally {
          client.close(false);
        }
      },
    };
  } catch (error) {
    client.close(false);
    throw error;
  }
}

const connect = (hosts: string): Promise<Client> =>
  Aerospike.connect({
    hosts,
    // As many connections as a publisher has.
    maxConnsPerNode: 300,
    connTimeoutMs: PATIENT.totalTimeout,
    log: { level: Aerospike.log.OFF },
    policies: {
      read: new Aerospike.ReadPolicy(PATIENT),
      write: new Aerospike.WritePolicy(PATIENT),
      info: new Aerospike.InfoPolicy({ timeout: PATIENT.totalTimeout }),
    },
  });

async function mustBeEmpty(client: Client, namespace: string): Promise<void> {
  const { records } = await usedSpace(client, namespace);
  if (records === 0) return;
  throw new Error(
    `the namespace ${namespace} has ${records} records, and is emptied for the measurement: ` +
      `name another in AEROSPIKE_URL, or set ${TRUNCATE}=1 to lose them`,
  );
}

async function truncate(client: Client, namespace: string): Promise<void> {
  // The client's own call wants a set.
  const answer = await client.infoAny(`truncate-namespace:namespace=${namespace}`);
  if (!answer.trim().endsWith('ok')) throw new Error(`the namespace ${namespace} could not be truncated: ${answer}`);
  const giveUpAt = performance.now() + TRUNCATE_TIMEOUT_MS;
  while ((await usedSpace(client, namespace)).records > 0) {
    if (performance.now() > giveUpAt) {
      throw new Error(`the namespace ${namespace} is not empty ${TRUNCATE_TIMEOUT_MS / 1000} s after it was truncated`);
    }
    await sleep(100);
  }
}

/** None in a container, where what listens is not the server. */
async function processesOf(client: Client): Promise<{ readonly pid: number }[]> {
  const found = await Promise.all(
    client.getNodes().map(async ({ address }) => {
      const [, host = '', port] = /^(.*):(\d+)$/.exec(address) ?? [];
      if (!/^(?:127\.|\[?::1\]?$|localhost$)/.test(host)) return undefined;
      const pid = await listeningProcess(Number(port));
      if (pid === undefined || (await readFile(`/proc/${pid}/comm`, 'utf8')).trim() !== 'asd') return undefined;
      return { pid };
    }),
  );
  const known = found.filter((each) => each !== undefined);
  return known.length === found.length ? known : [];
}
