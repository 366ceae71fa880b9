import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPublisher, openSubscriber } from '@millrace/core';
import type { Flow, FlowStatistics, Step } from '@millrace/flow';
import { readFlow, runFlow } from '@millrace/flow';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-flow-'));
});
afterEach(() => rm(folder, { recursive: true }));

const inFolder = (name: string): string => join(folder, name);
const write = (name: string, text: string): Promise<void> => writeFile(inFolder(name), text);
const writeValues = (values: readonly unknown[]): Promise<void> =>
  write('in.jsonl', values.map((value) => `${JSON.stringify(value)}\n`).join(''));

async function valuesOf(name: string): Promise<unknown[]> {
  const text = await readFile(inFolder(name), 'utf8');
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as unknown]));
}

const toFile = (steps: readonly Step[]): Flow => ({
  name: 'test',
  source: { url: `file://${inFolder('in.jsonl')}` },
  steps,
  sinks: { out: { url: `file://${inFolder('out.jsonl')}` } },
  deadLetters: inFolder('dead.jsonl'),
});

async function resultOf(steps: readonly Step[]): Promise<unknown[]> {
  await runFlow(toFile(steps));
  return valuesOf('out.jsonl');
}

describe('steps', () => {
  it('maps and filters, also later, and keeps the order', async () => {
    const numbers = Array.from({ length: 300 }, (_, index) => index);
    await writeValues(numbers);
    const steps: Step[] = [
      { filter: (value) => (value as number) % 2 === 0 },
      { map: async (value) => (await Promise.resolve(value as number)) * 10 },
    ];
    expect(await resultOf(steps)).toEqual(numbers.filter((value) => value % 2 === 0).map((value) => value * 10));
  });

  it('batches, also the incomplete rest, and flattens', async () => {
    await writeValues([1, 2, 3, 4, 5]);
    expect(await resultOf([{ batch: { size: 2 } }])).toEqual([[1, 2], [3, 4], [5]]);
    await rm(inFolder('out.jsonl'));
    expect(await resultOf([{ batch: { size: 2 } }, { flatten: true }])).toEqual([1, 2, 3, 4, 5]);
    await rm(inFolder('out.jsonl'));
    await writeValues([{ lines: ['a', 'b'] }, { lines: [] }, { lines: ['c'] }]);
    expect(await resultOf([{ flatten: 'lines' }])).toEqual(['a', 'b', 'c']);
  });

  it('renames fields, and takes keys out of fields', async () => {
    await writeValues([{ id: 7, total: 12 }]);
    const flow = toFile([{ key: 'id' }, { rename: { total: 'amount', none: 'other' } }]);
    await runFlow({ ...flow, sinks: { out: { ...flow.sinks['out']!, lines: 'messages' } } });
    expect(await valuesOf('out.jsonl')).toEqual([{ key: '7', value: { id: 7, amount: 12 } }]);
  });

  it('lets an incomplete batch go when its time has come', async () => {
    const publisher = await openPublisher('memory://queue/timed');
    for (const value of [1, 2]) await publisher.publish({ value });
    const end = new AbortController();
    const running = runFlow(
      { ...toFile([{ batch: { size: 10, intervalMs: 20 } }]), source: { url: 'memory://queue/timed' } },
      { signal: end.signal },
    );
    // On a busy machine each of the two may have its time over by itself.
    await expect.poll(async () => (await valuesOf('out.jsonl').catch(() => [])).flat()).toEqual([1, 2]);
    end.abort();
    expect(await running).toMatchObject({ received: 2, acknowledged: 2 });
    await publisher.close();
  });
});

describe('running', () => {
  it('counts, and puts what a step or a sink does not take into the dead letters', async () => {
    await writeValues([1, 2, 'three', { four: 4 }]);
    const steps: Step[] = [
      { filter: (value) => value !== 1 },
      {
        map: (value) => {
          if (typeof value !== 'number') throw new Error(`no number: ${JSON.stringify(value)}`);
          return value;
        },
      },
    ];
    const progress: FlowStatistics[] = [];
    const done = await runFlow(toFile(steps), { progress: (statistics) => void progress.push(statistics) });
    expect(done).toMatchObject({
      received: 4,
      acknowledged: 4,
      in_flight: 0,
      filtered: 1,
      published: 1,
      dead_letters: 2,
      sinks: { out: { publish_count: 1 } },
    });
    expect(progress.at(-1)).toEqual(done);
    expect(await valuesOf('dead.jsonl')).toMatchObject([
      { flow: 'test', where: 'steps[1] map', code: 'INTERNAL', message: 'no number: "three"', data: 'three' },
      { data: { four: 4 } },
    ]);
  });

  it('sends everything to all sinks, or where its router says', async () => {
    await writeValues(['a', 'b', 'a']);
    const sinks = { a: { url: `file://${inFolder('a.jsonl')}` }, b: { url: `file://${inFolder('b.jsonl')}` } };
    await runFlow({ ...toFile([]), sinks });
    expect([await valuesOf('a.jsonl'), await valuesOf('b.jsonl')]).toEqual([
      ['a', 'b', 'a'],
      ['a', 'b', 'a'],
    ]);
    await Promise.all(['a', 'b'].map((name) => rm(inFolder(`${name}.jsonl`))));
    await runFlow({ ...toFile([]), sinks, router: (value) => value as string });
    expect([await valuesOf('a.jsonl'), await valuesOf('b.jsonl')]).toEqual([['a', 'a'], ['b']]);
  });

  it('acknowledges what it has finished only, so that the rest comes again', async () => {
    await writeValues(Array.from({ length: 100 }, (_, index) => index));
    const source = { url: `file://${inFolder('in.jsonl')}`, position: inFolder('position.json') };
    const end = new AbortController();
    const steps: Step[] = [
      {
        map: (value) => {
          if (value === 30) end.abort();
          return value;
        },
      },
    ];
    const first = await runFlow({ ...toFile(steps), source }, { signal: end.signal });
    expect(first).toMatchObject({ received: 31, acknowledged: 31, in_flight: 0 });
    await runFlow({ ...toFile([]), source });
    expect(await valuesOf('out.jsonl')).toEqual(Array.from({ length: 100 }, (_, index) => index));
  });

  it.each([{}, { max_depth: 10 }])('lets a source wait that takes no acknowledgement, with %j', async (options) => {
    await writeValues(Array.from({ length: 5000 }, (_, index) => index));
    const url = `memory://queue/full-${options.max_depth}`;
    const full = await openPublisher(`${url}?max_size=1`);
    const reader = await openSubscriber(url);
    const flow = toFile([]);
    const seen: FlowStatistics[] = [];
    const running = runFlow(
      {
        ...flow,
        source: { ...flow.source, ...options },
        sinks: { out: { url, max_queue_depth: 1 } },
      },
      { progress: (statistics) => void seen.push(statistics) },
    );
    await expect.poll(() => seen.at(-1)?.in_flight).toBe(options.max_depth ?? 1000);
    for (let value = 0; value < 5000; value++) expect(await reader.next()).toEqual({ value });
    expect(await running).toMatchObject({ received: 5000, acknowledged: 5000, published: 5000 });
    await Promise.all([full.close(), reader.close()]);
  });

  it('ends when nothing has come for a while', async () => {
    const publisher = await openPublisher('memory://queue/idle');
    await publisher.publish({ value: 1 });
    const done = await runFlow({ ...toFile([]), source: { url: 'memory://queue/idle' } }, { idleMs: 1000 });
    expect(done.published).toBe(1);
    await publisher.close();
  });

  it('fails, and acknowledges nothing, when the dead letters cannot be written', async () => {
    await writeValues([1]);
    const flow = toFile([{ flatten: true }]);
    const position = inFolder('position.json');
    const source = { ...flow.source, position };
    await expect(runFlow({ ...flow, source, deadLetters: folder })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    const again = await openSubscriber(flow.source.url, { position });
    expect(await again.next()).toEqual({ value: 1 });
    await again.close();
  });
});

describe('reading', () => {
  it('reads YAML with functions of a module beside it', async () => {
    await write(
      'steps.ts',
      'export const double = (value: number) => value * 2;\nexport const big = (v: number) => v > 2;',
    );
    await write(
      'numbers.yaml',
      [
        `source: { url: "file://${inFolder('in.jsonl')}", from: start }`,
        'steps:',
        '  - filter: ./steps.ts#big',
        '  - map: ./steps.ts#double',
        '  - batch: { size: 2, interval: 10m }',
        `sinks: ["file://${inFolder('out.jsonl')}"]`,
      ].join('\n'),
    );
    await writeValues([1, 2, 3, 4]);
    const flow = await readFlow(inFolder('numbers.yaml'));
    expect(flow).toMatchObject({ name: 'numbers', steps: [{}, {}, { batch: { size: 2, intervalMs: 600_000 } }] });
    await runFlow(flow);
    expect(await valuesOf('out.jsonl')).toEqual([[6, 8]]);
  });

  it('reads a module', async () => {
    await write('m.ts', "export const flow = { source: 'memory://queue/a', sink: 'memory://queue/b', steps: [] };");
    expect(await readFlow(inFolder('m.ts'))).toMatchObject({ name: 'm', sinks: { sink: { url: 'memory://queue/b' } } });
  });

  it.each([
    ['source: a:b\nsink: [', /bad\.yaml:2:\d+ .*write YAML/],
    ['sink: a:b', /bad\.yaml:1:1: source is missing: write a URL/],
    ['source: a:b', /bad\.yaml:1:1:  ?has no target, or two/],
    ['source: a:b\nsink: c:d\nstep: []', /bad\.yaml:3:7: step is unknown \(did you mean steps\?\)/],
    [
      'source: a:b\nsink: c:d\nsteps:\n  - mapp: x',
      /bad\.yaml:4:11: steps\[0\]\.mapp is unknown \(did you mean map\?\)/,
    ],
    ['source: a:b\nsink: c:d\nsteps:\n  - batch: 0', /bad\.yaml:4:12: steps\[0\]\.batch\.size is no number/],
    ['source: a:b\nsink: c:d\nsteps:\n  - map: ./none.ts#f', /bad\.yaml:4:10: steps\[0\]\.map cannot be loaded/],
    [
      'source: a:b\nsink: c:d\nsteps:\n  - map: f',
      /bad\.yaml:4:10: steps\[0\]\.map names no function: write \.\/module\.ts#name/,
    ],
    ['source: a:b\nsink: c:d\nsteps:\n  - key: a\n    flatten: true', /steps\[0\] is not exactly one step/],
    ['source: a:b\nsinks: [{}]', /bad\.yaml:2:9: sinks\[0\] has no url/],
    ['source: a:b\nsinks: []', /sinks is empty/],
    ['source: a:b\nsink: c:d\nsteps: 1', /bad\.yaml:3:8: steps is no list/],
  ])('says where %j is wrong', async (text, message) => {
    await write('bad.yaml', text);
    await expect(readFlow(inFolder('bad.yaml'))).rejects.toThrow(message);
  });

  it('says that there is no such file', async () => {
    await expect(readFlow(inFolder('none.yaml'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
