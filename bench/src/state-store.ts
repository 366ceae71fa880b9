/**
 * What the embedded state store takes per event as it grows, and how fast it answers: `node bench/src/state-store.ts
 * [events] [events per commit]`. One thread writes and reads, so that CPU and memory are the store's.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  openStateReader,
  openStateWriter,
  type RollupQuery,
  type StateEvent,
  type StateReader,
  type StateSchema,
  type StateWriter,
} from '@millrace/core';

const KEYS = 1_000_000;
const START = 1_647_950_700_000;
const schema: StateSchema = {
  kinds: ['VIEW', 'BUY'],
  dimensions: [
    ...['origin', 'brand_id', 'category_id', 'country', 'device'].map((name) => ({ name, values: 'bounded' as const })),
    { name: 'product_id', values: 'unbounded' },
  ],
  measures: ['price'],
};

/** Numerical Recipes' generator: the same events in every run. */
let state = 1;
const random = (below: number): number => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
};

/** One millisecond of event time per event: 60,000 a minute. */
const newEvent = (offset: number, appendedAt: number): StateEvent => ({
  offset,
  key: `cookie-${random(KEYS)}`,
  kind: random(10) === 0 ? 1 : 0,
  time: START + offset,
  dimensions: [
    `origin-${random(1000)}`,
    `brand-${random(250)}`,
    `category-${random(67)}`,
    `C${random(40)}`,
    ['PC', 'MOBILE', 'TV'][random(3)]!,
    String(random(10_000)),
  ],
  measures: [random(10_000)],
  appendedAt,
});

const percentile = (values: number[], part: number): string =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * part)]!.toFixed(3);

async function measure(runs: number, step: (run: number) => Promise<unknown>): Promise<string> {
  const times: number[] = [];
  for (let run = 0; run < runs; run++) {
    const start = performance.now();
    await step(run);
    times.push(performance.now() - start);
  }
  return `p50 ${percentile(times, 0.5)} ms, p99 ${percentile(times, 0.99)} ms`;
}

async function memory(): Promise<string> {
  const status = await readFile('/proc/self/status', 'utf8');
  const mebibytes = (field: string): number => Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]) / 1024;
  return `RSS ${mebibytes('VmRSS').toFixed(0)} MiB (anonymous ${mebibytes('RssAnon').toFixed(0)})`;
}

async function write(writer: StateWriter, reader: StateReader, events: number, perCommit: number): Promise<void> {
  const marks = [1e5, 1e6, 3e6, 1e7].filter((mark) => mark <= events);
  let done = 0;
  let making = 0;
  let longest = 0;
  let [since, cpu, lastMark] = [performance.now(), process.cpuUsage(), 0];
  let makingCpu = 0;
  while (done < events) {
    const start = performance.now();
    const made = process.cpuUsage();
    const batch = Array.from({ length: perCommit }, (_, at) => newEvent(done + at, START + done));
    const used = process.cpuUsage(made);
    makingCpu += used.user + used.system;
    making += performance.now() - start;
    const before = performance.now();
    await writer.commit([{ partition: 0, from: done, to: done + perCommit, events: batch, deadLetters: [] }]);
    longest = Math.max(longest, performance.now() - before);
    done += perCommit;
    if (done < marks[0]!) continue;
    const wall = performance.now() - since - making;
    const { user, system } = process.cpuUsage(cpu);
    const count = done - lastMark;
    const { bytes } = await reader.statistics();
    console.log(
      `${done}: ${Math.round((count / wall) * 1000)} events/s, ${((user + system - makingCpu) / count).toFixed(1)} us CPU, ` +
        `longest commit ${longest.toFixed(0)} ms, ${(bytes! / done).toFixed(0)} B/event, ${await memory()}`,
    );
    marks.shift();
    [since, cpu, lastMark, making, makingCpu, longest] = [performance.now(), process.cpuUsage(), done, 0, 0, 0];
  }
}

async function read(reader: StateReader, events: number): Promise<void> {
  const kind = ['VIEW'];
  const last = Math.floor((START + events) / 60_000) * 60_000;
  const range = { from: last - 540_000, to: last + 60_000, groupBy: [], limit: 1000 };
  const shapes: [string, RollupQuery][] = [
    ['no filter', { ...range, where: {} }],
    ['kind', { ...range, where: { kind } }],
    ['kind, origin', { ...range, where: { kind, origin: ['origin-5'] } }],
    ['kind, origin, brand', { ...range, where: { kind, origin: ['origin-5'], brand_id: ['brand-5'] } }],
    ['kind, category', { ...range, where: { kind, category_id: ['category-5'] } }],
    ['by brand', { ...range, where: { kind }, groupBy: ['brand_id'] }],
    ['by product', { ...range, where: { kind }, groupBy: ['product_id'] }],
  ];
  console.log(`first rollup: ${await measure(1, () => reader.rollup(shapes[3]![1]))}`);
  for (const [name, query] of shapes) console.log(`rollup ${name}: ${await measure(50, () => reader.rollup(query))}`);
  const older = { ...range, where: { kind }, from: range.from - 1_200_000, to: range.to - 1_200_000 };
  if (older.from > START) console.log(`older rollup, first: ${await measure(1, () => reader.rollup(older))}`);
  const query = { kind: 0, from: 0, to: Infinity, limit: 200 };
  console.log(`timeline: ${await measure(3000, () => reader.timeline(`cookie-${random(KEYS)}`, query))}`);
}

const events = Number(process.argv[2] ?? 1e6);
const perCommit = Number(process.argv[3] ?? 2000);
const directory = await mkdtemp(join(tmpdir(), 'millrace-state-'));
const url = `embedded:${directory}`;
const options = { schema, partitions: 10 };
try {
  let reader = await openStateReader(url, options);
  const writer = await openStateWriter(url, options);
  await write(writer, reader, events, perCommit);
  await read(reader, events);
  await writer.close();
  await reader.close();
  let start = performance.now();
  reader = await openStateReader(url, options);
  console.log(`reopened in ${(performance.now() - start).toFixed(0)} ms`);
  start = performance.now();
  await reader.warmUp();
  console.log(`warm in ${(performance.now() - start).toFixed(0)} ms, ${await memory()}`);
  await read(reader, events);
  await reader.close();
} finally {
  await rm(directory, { recursive: true });
}
