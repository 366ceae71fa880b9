import { randomUUID } from 'node:crypto';
import type { ConsumeOptions, EventLog, LogReader } from '@millrace/core';
import { openRedisEventLog } from '../../src/event-log/event-log.ts';

export const PARTITIONS = 6;

/** Opens a log of its own, or one more end of it under the same prefix. */
export function openLog(
  url: string,
  options: { readonly prefix?: string; readonly query?: string } & Parameters<typeof openRedisEventLog>[1] = {},
): Promise<EventLog> {
  const { prefix = randomUUID(), query = '', ...rest } = options;
  const mark = url.includes('?') ? '&' : '?';
  return openRedisEventLog(`${url}${mark}prefix=${prefix}&linger=0${query}`, { partitions: PARTITIONS, ...rest });
}

/** What a consumer has done to a state that is fenced by offsets, as the state stores are. */
export interface FencedState {
  /** Per partition, where the next batch has to start. */
  readonly committed: Map<number, number>;
  readonly values: string[];
  /** Batches that did not join: someone else had been there. */
  rejected: number;
}

export const newState = (): FencedState => ({ committed: new Map(), values: [], rejected: 0 });

/** Which partitions a consumer was asked for last. */
export interface RunningConsumer {
  readonly partitions: Set<number>;
  stop(): Promise<void>;
}

/** Consumes into the state; a batch that does not join what is committed is refused. */
export function consumeInto(
  log: LogReader,
  group: string,
  state: FencedState,
  gap: () => Error,
  handle: ConsumeOptions['handle'] = async () => undefined,
): RunningConsumer {
  const stop = new AbortController();
  const partitions = new Set<number>();
  const running = log.consume(group, {
    start: async (partition) => {
      partitions.add(partition);
      return state.committed.get(partition) ?? 'earliest';
    },
    handle: async (batches, revoked) => {
      await handle(batches, revoked);
      for (const { partition, from, to, records } of batches) {
        if (from !== (state.committed.get(partition) ?? 0)) {
          state.rejected++;
          throw gap();
        }
        state.committed.set(partition, to);
        for (const { value } of records) state.values.push(Buffer.from(value).toString());
      }
    },
    signal: stop.signal,
  });
  return {
    partitions,
    stop: async () => {
      stop.abort();
      await running;
    },
  };
}
