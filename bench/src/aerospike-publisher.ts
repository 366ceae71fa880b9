/**
 * What a publisher of records costs beside bare puts of the official client, at the same concurrency, in interleaved
 * pairs: `node bench/src/aerospike-publisher.ts [records] [concurrency] [pairs]`. Against `AEROSPIKE_URL`
 * (`aerospike://host:3000/namespace`), or a development server in a thread of this process, whose CPU time is then in
 * both figures.
 */
import { startAerospikeDev } from '@millrace/aerospike-dev';
import { type JsonValue, openPublisher } from '@millrace/core';
import Aerospike from 'aerospike';

const [records = 30_000, concurrency = 200, pairs = 7] = process.argv.slice(2).map(Number);
const TEXT = 'x'.repeat(200);

interface Measured {
  readonly perSecond: number;
  /** Of the whole process. */
  readonly cpuUs: number;
}

/** So many loops, each of which waits for its record before the next. */
async function measure(put: (n: number) => Promise<unknown>): Promise<Measured> {
  let next = 0;
  const loop = async (): Promise<void> => {
    while (next < records) await put(next++);
  };
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: concurrency }, loop));
  const seconds = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { perSecond: records / seconds, cpuUs: (user + system) / records };
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

const server = process.env['AEROSPIKE_URL'] === undefined ? await startAerospikeDev({ port: 0 }) : undefined;
const place = process.env['AEROSPIKE_URL'] ?? `aerospike://${server!.hosts}/test`;
const [, hosts = '', namespace = ''] = /^aerospike:\/\/([^/]+)\/([^/?]+)/.exec(place) ?? [];
const client = await Aerospike.connect({ hosts, maxConnsPerNode: 300, log: { level: Aerospike.log.OFF } });
const publisher = await openPublisher(`aerospike://${hosts}/${namespace}/bench`);
const policy = new Aerospike.WritePolicy({ key: Aerospike.policy.key.SEND });
const valueOf = (n: number): Record<string, JsonValue> => ({ n, name: `user ${n}`, active: true, text: TEXT });
const bare = (n: number): Promise<unknown> =>
  client.put(new Aerospike.Key(namespace, 'bench', `k${n}`) as never, valueOf(n) as never, {}, policy);
const ours = (n: number): Promise<void> => publisher.publish({ key: `k${n}`, value: valueOf(n) });

await measure(bare);
await measure(ours);
const ratios: number[] = [];
const cpu: { readonly bare: number; readonly ours: number }[] = [];
for (let pair = 0; pair < pairs; pair++) {
  const [first, second] = pair % 2 === 0 ? [bare, ours] : [ours, bare];
  const one = await measure(first);
  const two = await measure(second);
  const [a, b] = pair % 2 === 0 ? [one, two] : [two, one];
  ratios.push(b.perSecond / a.perSecond);
  cpu.push({ bare: a.cpuUs, ours: b.cpuUs });
  console.log(
    `pair ${pair + 1}: bare ${Math.round(a.perSecond)}/s, ${a.cpuUs.toFixed(1)} us; ` +
      `publisher ${Math.round(b.perSecond)}/s, ${b.cpuUs.toFixed(1)} us; ratio ${(b.perSecond / a.perSecond).toFixed(2)}`,
  );
}
console.log(
  `median ratio ${median(ratios).toFixed(2)}, lowest ${Math.min(...ratios).toFixed(2)}; CPU per record ` +
    `bare ${median(cpu.map((each) => each.bare)).toFixed(1)} us, publisher ${median(cpu.map((each) => each.ours)).toFixed(1)} us`,
);
await publisher.close();
client.close();
await server?.stop();
