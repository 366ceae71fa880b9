import { costsPerTag, cpuOfParts } from '../part-costs.ts';
import type { MeasuredDatabase } from './measured-database.ts';
import { inLoops } from './publisher-contests.ts';

const IN_FLIGHT = 200;
const VALUE = { text: 'x'.repeat(200) };

export interface ServerRate {
  readonly perSecond: number;
  /** Of the server, for one command; NaN where its processes are not known. */
  readonly cpuUs: number;
}

/** What a server does by itself through the official client, 200 commands in flight, values of 200 bytes. */
export async function serverRates(
  { client, namespace, processes }: MeasuredDatabase,
  commands: number,
): Promise<{ readonly puts: ServerRate; readonly gets: ServerRate }> {
  const key = (n: number) => ({ ns: namespace, set: 'rates', key: n });
  const measure = async (step: (n: number) => Promise<unknown>): Promise<ServerRate> => {
    const parts = { server: processes };
    const before = await cpuOfParts(parts);
    const startedAt = performance.now();
    await inLoops(commands, IN_FLIGHT, step);
    const perSecond = (commands * 1000) / (performance.now() - startedAt);
    return { perSecond, cpuUs: costsPerTag(before, await cpuOfParts(parts), commands).server };
  };
  // Both compilers are done then.
  await measure((n) => client.put(key(n), VALUE));
  return {
    puts: await measure((n) => client.put(key(n), VALUE)),
    gets: await measure((n) => client.get(key(n))),
  };
}
