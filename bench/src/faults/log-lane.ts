import { setTimeout as sleep } from 'node:timers/promises';
import {
  hasCode,
  MillraceError,
  openEventLog,
  openStateReader,
  openStateWriter,
  type Batch,
  type EventLog,
  type PartitionChange,
  type StateSchema,
  type StateWriter,
} from '@millrace/core';
import { Background, BURST, REST_MS, type Lane, type LaneResult } from './lane.ts';
import { Ledger } from './ledger.ts';
import { quiet } from './quiet.ts';

export interface LogLaneOptions {
  readonly name: string;
  readonly logUrl: string;
  readonly stateUrl: string;
  readonly partitions: number;
  /** Longer than any pause after which what was acknowledged is still applied. */
  readonly quietMs: number;
}

const SCHEMA: StateSchema = {
  kinds: ['NUMBER'],
  dimensions: [{ name: 'number', values: 'unbounded' }],
  measures: ['value'],
};
interface StateOptions {
  readonly schema: StateSchema;
  readonly partitions: number;
}

const GROUP = 'processors';
const MINUTE_MS = 60_000;
const STEP_MS = 6;
const NUMBERS_PER_MINUTE = MINUTE_MS / STEP_MS;
/** Two processes' worth of appenders and processors. */
const ENDS = 2;

/** An event log and a state with the offsets in it, as a platform uses them. */
export async function startLogLane(options: LogLaneOptions): Promise<Lane> {
  const { name, logUrl, stateUrl, partitions, quietMs } = options;
  const start = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS;
  const ledger = new Ledger();
  const [stopSending, stopConsuming] = [new AbortController(), new AbortController()];
  const state = { schema: SCHEMA, partitions };
  const ends: End[] = [];
  for (let index = 0; index < ENDS; index++) {
    const log = await openEventLog(logUrl, { partitions });
    ends.push(new End(log, await openStateWriter(stateUrl, state), start));
  }
  const consuming = new Background(ends.map((end) => end.consume(stopConsuming.signal)));
  const sending = new Background(ends.map(({ log }) => appendInBursts(log, ledger, stopSending.signal)));
  const applied = (): number => ends.reduce((sum, end) => sum + end.applied, 0);
  return {
    name,
    guarantee: 'exactly once',
    arrived() {
      consuming.check();
      sending.check();
      return applied();
    },
    async finish(): Promise<LaneResult> {
      stopSending.abort();
      await sending.ended(`${name}: appending`);
      await allApplied(ends[0]!.log, stateUrl, state, (isComplete) => quiet(applied, isComplete, quietMs));
      stopConsuming.abort();
      await consuming.ended(`${name}: consuming`);
      await Promise.all(ends.map((end) => end.close()));
      const problems = await readState(stateUrl, state, start, ledger);
      return { ...ledger.account(), problems };
    },
  };
}

/** One appender and one processor. */
class End {
  readonly log: EventLog;
  readonly #writer: StateWriter;
  readonly #start: number;
  applied = 0;

  constructor(log: EventLog, writer: StateWriter, start: number) {
    this.log = log;
    this.#writer = writer;
    this.#start = start;
  }

  /** Begins again after failures that may pass, as a processor's supervisor does. */
  async consume(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.log.consume(GROUP, {
          start: async (partition) => (await this.#writer.committed(partition)) ?? 'earliest',
          handle: (batches) => this.#apply(batches),
          signal,
        });
      } catch (error) {
        if (!hasCode(error, 'STALE_OWNER') && !(error instanceof MillraceError && error.retry)) throw error;
        await sleep(100);
      }
    }
  }

  async close(): Promise<void> {
    await this.log.close();
    await this.#writer.close();
  }

  async #apply(batches: readonly Batch[]): Promise<void> {
    const changes = batches.map(({ partition, from, to, records }): PartitionChange => ({
      partition,
      from,
      to,
      deadLetters: [],
      events: records.map(({ offset, timestamp, key = '', value }) => {
        const number = Number(Buffer.from(value).toString());
        const time = this.#start + number * STEP_MS;
        return { offset, key, kind: 0, time, dimensions: [`${number}`], measures: [1], appendedAt: timestamp };
      }),
    }));
    const { applied } = await this.#writer.commit(changes);
    this.applied += applied;
  }
}

async function appendInBursts(log: EventLog, ledger: Ledger, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await Promise.all(
      Array.from({ length: BURST }, async () => {
        const number = ledger.take();
        try {
          await log.append([{ key: `key-${number}`, value: Buffer.from(`${number}`) }]);
          ledger.acknowledge(number);
        } catch (error) {
          // It may be there or not; everything else is a broken promise.
          if (!hasCode(error, 'LOG_FAILED')) throw error;
        }
      }),
    );
    await sleep(REST_MS);
  }
}

/** Waits until the state has all that is in the log: of the appends that failed in doubt nobody knows how many are. */
async function allApplied(
  log: EventLog,
  url: string,
  options: StateOptions,
  wait: (isComplete: () => Promise<boolean>) => Promise<void>,
): Promise<void> {
  const reader = await openStateReader(url, options);
  const isApplied = async (partition: number): Promise<boolean> => {
    const { earliest, next } = await log.bounds(partition);
    return ((await reader.committed(partition)) ?? earliest) >= next;
  };
  try {
    await wait(async () => {
      const partitions = await Promise.all(Array.from({ length: options.partitions }, (_, at) => isApplied(at)));
      return partitions.every(Boolean);
    });
  } finally {
    await reader.close();
  }
}

/** Counts each number in the state. @returns what contradicts itself there */
async function readState(
  url: string,
  options: StateOptions,
  start: number,
  ledger: Ledger,
): Promise<readonly string[]> {
  const problems: string[] = [];
  const reader = await openStateReader(url, options);
  try {
    for (let minute = 0; minute * NUMBERS_PER_MINUTE < ledger.sent; minute++) {
      const from = start + minute * MINUTE_MS;
      const { rows, truncated } = await reader.rollup({
        from,
        to: from + MINUTE_MS,
        where: {},
        groupBy: ['number'],
        limit: NUMBERS_PER_MINUTE,
      });
      if (truncated) problems.push(`minute ${minute} has more than ${NUMBERS_PER_MINUTE} numbers`);
      for (const { group, count, sums } of rows) {
        ledger.receive(Number(group[0]), count);
        if (Number(sums[0]) !== count) problems.push(`number ${group[0]}: count ${count}, sum ${sums[0]}`);
      }
    }
  } finally {
    await reader.close();
  }
  return problems;
}
