import type { AerospikeDev, AerospikeDevOptions } from '@millrace/aerospike-dev';
import { type AerospikeServer, startAerospike } from '@millrace/testkit';
import Aerospike from 'aerospike';
import type { AerospikeBins, AerospikeError, Client, ConfigOptions } from 'aerospike';
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll } from 'vitest';

/** Time-outs that hold on a loaded machine: none of the tests measures time. */
const PATIENT = { totalTimeout: 20_000, socketTimeout: 20_000 };

export const patientPolicies = (): ConfigOptions['policies'] => ({
  read: new Aerospike.ReadPolicy(PATIENT),
  write: new Aerospike.WritePolicy(PATIENT),
  operate: new Aerospike.OperatePolicy(PATIENT),
  remove: new Aerospike.RemovePolicy(PATIENT),
  batch: new Aerospike.BatchPolicy(PATIENT),
  scan: new Aerospike.ScanPolicy(PATIENT),
  query: new Aerospike.QueryPolicy(PATIENT),
  info: new Aerospike.InfoPolicy({ timeout: 20_000 }),
});

export const connect = (server: { readonly hosts: string }, config: ConfigOptions = {}): Promise<Client> =>
  Aerospike.connect({
    hosts: server.hosts,
    maxConnsPerNode: 300,
    connTimeoutMs: PATIENT.totalTimeout,
    log: { level: Aerospike.log.OFF },
    policies: patientPolicies(),
    ...config,
  } as ConfigOptions);

/** The client's own type of its keys does not fit its commands under `exactOptionalPropertyTypes`. */
export type ClientKey = Parameters<Client['get']>[0] & InstanceType<typeof Aerospike.Key>;

export const clientKey = (namespace: string, set: string | undefined, userKey: string | number): ClientKey =>
  new Aerospike.Key(namespace, set, userKey) as ClientKey;

export interface Subject {
  readonly hosts: string;
  /** What only the development server can do; a block that uses it is skipped on a real one. */
  readonly dev: AerospikeDev;
  readonly client: Client;
  readonly namespace: string;
  /** Another namespace of the cluster; the same one where there is no other. */
  readonly otherNamespace: string;
  /** A set that no other run has used: a real server keeps its records. */
  readonly set: string;
  /** A key of that namespace and set. */
  readonly key: (userKey: string | number) => ClientKey;
}

/** One server and one client of all tests of a file: a real server where `AEROSPIKE_URL` names one. */
export function withClient(options: AerospikeDevOptions = {}): () => Subject {
  let server: AerospikeServer | undefined;
  let subject: Subject | undefined;
  beforeAll(async () => {
    server = await startAerospike(options);
    const client = await connect(server);
    const { hosts, namespace, dev } = server;
    const set = `s${randomBytes(6).toString('hex')}`;
    subject = {
      hosts,
      get dev() {
        if (dev === undefined) throw new Error('a real server has none of this: skip the test there');
        return dev;
      },
      client,
      namespace,
      otherNamespace: (await namespacesOf(client)).find((name) => name !== namespace) ?? namespace,
      set,
      key: (userKey) => clientKey(namespace, set, userKey),
    };
  });
  afterAll(async () => {
    await subject?.client.truncate(subject.namespace, subject.set, 0);
    subject?.client.close(false);
    await server?.stop();
  });
  return () => subject!;
}

async function namespacesOf(client: Client): Promise<string[]> {
  return (await infoOf(client, 'namespaces')).split(';');
}

/** What the server answers an info command with, without the command. */
export async function infoOf(client: Client, command: string): Promise<string> {
  const answer = await client.infoAny(command);
  return answer.slice(answer.indexOf('\t') + 1).trim();
}

/** Bins of which some are deleted, which the client's types do not know. */
export const withNulls = (bins: Record<string, unknown>): AerospikeBins => bins as AerospikeBins;

/** The code that the client rejects with; 0 when it resolves. */
export async function codeOf(command: Promise<unknown>): Promise<number> {
  return command.then(
    () => 0,
    (error: AerospikeError) => error.code as number,
  );
}
