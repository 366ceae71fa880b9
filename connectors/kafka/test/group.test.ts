import { setTimeout as sleep } from 'node:timers/promises';

import { openEventLog, openLogReader, type Batch, type EventLog, type LogReader } from '@millrace/core';
import { expect, it, onTestFinished } from 'vitest';

import { committedOffset } from './committed-offset.ts';
import { describeOnKafka, newTopic, useKafka } from './fixture.ts';
import { Load, sorted, until } from './load.ts';

const PARTITIONS = 6;
const kafka = useKafka();

async function openLog(options: { readonly partitions?: number } = {}): Promise<{ url: string; log: EventLog }> {
  const url = `${kafka().url}/${newTopic()}?linger=1ms&delivery_timeout=2m`;
  const log = await openEventLog(url, { partitions: PARTITIONS, ...options });
  onTestFinished(() => log.close());
  return { url, log };
}

/**
 * Offsets and values together, as a state store has them: a batch that does not begin where the last one ended is
 * recorded as a fault, whoever brings it.
 */
class TestState {
  readonly values: string[] = [];
  readonly faults: string[] = [];
  readonly handledBy = new Map<string, number>();
  readonly #offsets = new Map<number, number>();

  start = async (partition: number): Promise<number | 'earliest'> => this.#offsets.get(partition) ?? 'earliest';

  commit(consumer: string, batch: Batch): void {
    const at = this.#offsets.get(batch.partition) ?? 0;
    if (batch.from !== at) this.faults.push(`${consumer}: partition ${batch.partition} from ${batch.from}, not ${at}`);
    for (const { value } of batch.records) this.values.push(Buffer.from(value).toString());
    this.#offsets.set(batch.partition, batch.to);
    this.handledBy.set(consumer, (this.handledBy.get(consumer) ?? 0) + batch.records.length);
  }
}

/** A consumer of the group with a connection of its own, as in another process. */
class TestConsumer {
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  async start(url: string, name: string, state: TestState): Promise<this> {
    const reader = await openLogReader(url);
    this.#running = this.#consume(reader, name, state);
    return this;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #consume(reader: LogReader, name: string, state: TestState): Promise<void> {
    await reader.consume('group', {
      start: state.start,
      handle: async (batches) => {
        await sleep(2);
        for (const batch of batches) state.commit(name, batch);
      },
      signal: this.#stop.signal,
    });
    await reader.close();
  }
}

describeOnKafka('consumers of one group', () => {
  it('share the partitions, and lose and double nothing while they join and leave under load', async () => {
    const { url, log } = await openLog();
    const state = new TestState();
    const load = new Load(log);
    const handled = (name: string) => () => (state.handledBy.get(name) ?? 0) > 100;
    const first = await new TestConsumer().start(url, 'first', state);
    await until(handled('first'));
    const second = await new TestConsumer().start(url, 'second', state);
    const third = await new TestConsumer().start(url, 'third', state);
    await until(() => handled('second')() && handled('third')());
    await second.stop();
    const fourth = await new TestConsumer().start(url, 'fourth', state);
    await until(handled('fourth'));
    await first.stop();
    const sent = await load.stop();
    await until(() => state.values.length >= sent.length);
    await third.stop();
    await fourth.stop();
    // Without a fault here, what came twice is in the log twice.
    expect(state.faults).toEqual([]);
    expect(sorted(state.values)).toEqual(sent);
  });

  it('each get all of their own topic where two topics share a group', async () => {
    const topics = [await openLog(), await openLog()];
    const states = topics.map(() => new TestState());
    const values = Array.from({ length: 60 }, (_, i) => `${i}`);
    const consumers = [];
    for (const [at, { url, log }] of topics.entries()) {
      consumers.push(await new TestConsumer().start(url, 'consumer', states[at]!));
      await log.append(values.map((value) => ({ key: value, value: Buffer.from(value) })));
    }
    await until(() => states.every((state) => state.values.length >= values.length));
    for (const consumer of consumers) await consumer.stop();
    for (const state of states) expect(sorted(state.values)).toEqual(values);
    expect(states.flatMap((state) => state.faults)).toEqual([]);
  });

  it('go on by themselves after the broker was killed and started again, twice', async () => {
    const { url, log } = await openLog();
    const state = new TestState();
    const load = new Load(log);
    const consumers = [
      await new TestConsumer().start(url, 'a', state),
      await new TestConsumer().start(url, 'b', state),
    ];
    for (let round = 0; round < 2; round++) {
      const before = state.values.length;
      await until(() => state.values.length > before + 200);
      await kafka().kill();
      await sleep(300);
      await kafka().restart();
      const after = state.values.length;
      await until(() => state.values.length > after);
    }
    const sent = await load.stop();
    await until(() => state.values.length >= sent.length);
    await Promise.all(consumers.map((consumer) => consumer.stop()));
    // Without a fault here, what came twice is in the log twice.
    expect(state.faults).toEqual([]);
    expect(sorted(state.values)).toEqual(sent);
  });

  it('let a handle finish before its partition goes to another consumer, and tell it so', async () => {
    const { url, log } = await openLog({ partitions: 1 });
    await log.append([{ value: Buffer.from('slow') }]);
    const stop = new AbortController();
    const events: string[] = [];
    const running = log.consume('group', {
      start: async () => 'earliest',
      handle: async (_batches, revoked) => {
        events.push('begun');
        await new Promise((resolve) => revoked.addEventListener('abort', resolve));
        events.push('revoked');
        await sleep(200);
        events.push('finished');
      },
      signal: stop.signal,
    });
    await until(() => events.length > 0);
    const reader = await openLogReader(url);
    onTestFinished(() => reader.close());
    const others = [1, 2].map(() =>
      reader.consume('group', {
        start: async () => {
          events.push('next');
          return 'latest';
        },
        handle: async () => undefined,
        signal: stop.signal,
      }),
    );
    await until(() => events.includes('finished'));
    expect(events.slice(0, 3)).toEqual(['begun', 'revoked', 'finished']);
    stop.abort();
    await Promise.all([running, ...others]);
  });
});

describeOnKafka('release', () => {
  it('tells Kafka the offset of the group, during consuming and without', async () => {
    const { url, log } = await openLog({ partitions: 1 });
    await log.append(Array.from({ length: 5 }, (_, i) => ({ value: Buffer.from(`${i}`) })));
    const released = async (): Promise<number | undefined> => {
      // A busy broker may not take it, and then takes the next one.
      await log.release('group', 0, 2);
      return committedOffset(url, 'group');
    };
    await expect.poll(released).toBe(2);
    const stop = new AbortController();
    let asked = 0;
    await log.consume('group', {
      start: async () => {
        asked++;
        return 'earliest';
      },
      handle: async ([batch]) => {
        // Not the offset of the group: what the caller says counts.
        expect(batch!.from).toBe(0);
        await log.release('group', 0, batch!.to);
        stop.abort();
      },
      signal: stop.signal,
    });
    expect(asked).toBe(1);
    expect(await committedOffset(url, 'group')).toBe(5);
  });

  it('leaves the offset to the consumers where there are some', async () => {
    const { url, log } = await openLog({ partitions: 1 });
    await log.append([{ value: Buffer.from('0') }, { value: Buffer.from('1') }]);
    const stop = new AbortController();
    const handled = Promise.withResolvers<void>();
    const consuming = log.consume('busy', {
      start: async () => 'earliest',
      handle: async ([batch]) => {
        await log.release('busy', 0, batch!.to);
        handled.resolve();
      },
      signal: stop.signal,
    });
    await handled.promise;
    const other = await openLogReader(url);
    onTestFinished(() => other.close());
    await other.release('busy', 0, 1);
    stop.abort();
    await consuming;
    expect(await committedOffset(url, 'busy')).toBe(2);
  });

  it('refuses what is no offset', async () => {
    const { log } = await openLog();
    await expect(log.release('group', 0, -1)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(log.release('group', PARTITIONS, 0)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});
