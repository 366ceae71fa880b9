import { startAerospikeDev } from '@millrace/aerospike-dev';
import type { AerospikeDev, AerospikeDevOptions } from '@millrace/aerospike-dev';
import Aerospike from 'aerospike';
import type { AerospikeBins, AerospikeError, Client, ConfigOptions } from 'aerospike';
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

export const connect = (server: AerospikeDev, config: ConfigOptions = {}): Promise<Client> =>
  Aerospike.connect({
    hosts: server.hosts,
    maxConnsPerNode: 300,
    log: { level: Aerospike.log.OFF },
    policies: patientPolicies(),
    ...config,
  } as ConfigOptions);

/** The client's own type of its keys does not fit its commands under `exactOptionalPropertyTypes`. */
export type ClientKey = Parameters<Client['get']>[0] & InstanceType<typeof Aerospike.Key>;

export const clientKey = (namespace: string, set: string | undefined, userKey: string | number): ClientKey =>
  new Aerospike.Key(namespace, set, userKey) as ClientKey;

export interface Subject {
  readonly server: AerospikeDev;
  readonly client: Client;
  /** A key of namespace `test`, set `demo`. */
  readonly key: (userKey: string | number) => ClientKey;
}

/** One server and one client of all tests of a file. */
export function withClient(options: AerospikeDevOptions = {}): () => Subject {
  let subject: Subject | undefined;
  beforeAll(async () => {
    const server = await startAerospikeDev({ port: 0, namespaces: ['test', 'other'], ...options });
    const client = await connect(server);
    subject = { server, client, key: (userKey) => clientKey('test', 'demo', userKey) };
  });
  afterAll(async () => {
    subject?.client.close(false);
    await subject?.server.stop();
  });
  return () => subject!;
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
