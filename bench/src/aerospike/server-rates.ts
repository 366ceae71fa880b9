import type { AerospikeDevProcess } from '@millrace/testkit';
import Aerospike from 'aerospike';
import { costsPerTag, cpuOfParts } from '../part-costs.ts';
import { inLoops } from './publisher-contests.ts';

const IN_FLIGHT = 200;
const VALUE = { text: 'x'.repeat(200) };

export interface ServerRate {
  readonly perSecond: number;
  /** Of the server, for one command. */
  readonly cpuUs: number;
}

/** What a server does by itself through the official client, 200 commands in flight, values of 200 bytes. */
export async function serverRates(
  server: AerospikeDevProcess,
  commands: number,
): Promise<{ readonly puts: ServerRate; readonly gets: ServerRate }> {
  const client = await Aerospike.connect({
    hosts: server.hosts,
    maxConnsPerNode: IN_FLIGHT,
    log: { level: Aerospike.log.OFF },
  });
  const measure = async (step: (n: number) => Promise<unknown>): Promise<ServerRate> => {
    const parts = { server: [server] };
    const before = await cpuOfParts(parts);
    const startedAt = performance.now();
    await inLoops(commands, IN_FLIGHT, step);
    const perSecond = (commands * 1000) / (performance.now() - startedAt);
    return { perSecond, cpuUs: costsPerTag(before, await cpuOfParts(parts), commands).server };
  };
  try {
    // Both compilers are done then.
    await measure((n) => client.put(key(n), VALUE));
    return {
      puts: await measure((n) => client.put(key(n), VALUE)),
      gets: await measure((n) => client.get(key(n))),
    };
  } finally {
    client.close(false);
  }
}

const key = (n: number) => ({ ns: 'test', set: 'rates', key: n });
