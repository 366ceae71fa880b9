import { type JsonValue, openPublisher } from '@millrace/core';
import Aerospike from 'aerospike';
import type { Contest, Run } from '../messaging/contest.ts';
import { type MeasuredDatabase, PATIENT } from './measured-database.ts';

const SET = 'bench';
const TEXT = 'x'.repeat(200);
/** Of the official client. */
const CONNECTIONS = 300;

/** A publisher of records beside bare puts of the official client: 200 at a time, and one after the other. */
export function publisherContests(database: MeasuredDatabase, records: number): readonly Contest[] {
  const contest = (name: string, concurrency: number, limit?: Contest['limit']): Contest => ({
    name,
    operations: records,
    raw: { prepare: () => barePuts(database, records, concurrency) },
    ours: { prepare: () => publishing(database, records, concurrency) },
    ...(limit === undefined ? {} : { limit }),
  });
  return [contest('records, 200 in flight', 200, { rateRatio: 0.9 }), contest('records, one in flight', 1)];
}

async function barePuts({ hosts, namespace }: MeasuredDatabase, records: number, concurrency: number): Promise<Run> {
  const client = await Aerospike.connect({
    hosts,
    maxConnsPerNode: CONNECTIONS,
    connTimeoutMs: PATIENT.totalTimeout,
    log: { level: Aerospike.log.OFF },
  });
  const policy = new Aerospike.WritePolicy({ ...PATIENT, key: Aerospike.policy.key.SEND });
  return {
    work: () =>
      inLoops(records, concurrency, (n) =>
        client.put({ ns: namespace, set: SET, key: keyOf(n) }, valueOf(n), {}, policy),
      ),
    end: () => Promise.resolve(client.close(false)),
  };
}

async function publishing({ hosts, namespace }: MeasuredDatabase, records: number, concurrency: number): Promise<Run> {
  const publisher = await openPublisher(`aerospike://${hosts}/${namespace}/${SET}`);
  return {
    work: () => inLoops(records, concurrency, (n) => publisher.publish({ key: keyOf(n), value: valueOf(n) })),
    end: () => publisher.close(),
  };
}

/** So many loops, each of which waits for its record before the next. */
export async function inLoops(
  count: number,
  concurrency: number,
  step: (n: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const loop = async (): Promise<void> => {
    while (next < count) await step(next++);
  };
  await Promise.all(Array.from({ length: concurrency }, loop));
}

const keyOf = (n: number): string => `k${n}`;

const valueOf = (n: number): Record<string, string | number | boolean> & Record<string, JsonValue> => ({
  n,
  name: `user ${n}`,
  active: true,
  text: TEXT,
});
