import type {
  DeadLetter,
  LogAppender,
  NewRecord,
  Position,
  RollupQuery,
  RollupResult,
  RollupRow,
  StateEvent,
  StateReader,
  TimelineQuery,
} from '@millrace/core';
import { decodeRecord } from '../../../src/codec.ts';
import { ACTIONS, TAG_STATE_SCHEMA } from '../../../src/tag.ts';

const MINUTE_MS = 60_000;

/** A log whose records are in the state at once, both as plain as they can be: arrays and filters. */
export class MemoryBackend {
  readonly events: (StateEvent & { readonly resolves?: string })[] = [];
  readonly letters: DeadLetter[] = [];
  readonly rollups: RollupQuery[] = [];
  appends = 0;
  /** Set to make appends fail. */
  failure: Error | undefined;
  /** Set to make appends wait. */
  gate: Promise<void> = Promise.resolve();
  #offset = 0;

  readonly log: LogAppender = {
    partitions: 10,
    append: async (records) => this.#append(records),
    close: () => Promise.resolve(),
  };

  readonly state: StateReader = {
    partitions: 10,
    timeline: async (key, query) => this.#timeline(key, query),
    rollup: async (query) => this.#rollup(query),
    deadLetters: async ({ after, limit }) => {
      const start = this.letters.findIndex(({ id }) => id === after) + 1;
      return this.letters.slice(start, start + limit);
    },
    deadLetter: async (id) => this.letters.find((letter) => letter.id === id),
    committed: () => Promise.resolve(this.#offset),
    statistics: () => Promise.resolve({ deadLetters: this.letters.length, late: 0, duplicates: 0 }),
    warmUp: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };

  async #append(records: readonly NewRecord[]): Promise<readonly Position[]> {
    this.appends++;
    await this.gate;
    if (this.failure !== undefined) throw this.failure;
    return records.map(({ key, value }) => {
      const offset = this.#offset++;
      const { event, resolves } = decodeRecord({ offset, timestamp: Date.now(), key, value });
      this.events.push({ ...event, ...(resolves !== undefined && { resolves }) });
      return { partition: 0, offset };
    });
  }

  #timeline(key: string, { kind, from, to, limit }: TimelineQuery): StateEvent[] {
    return this.events
      .filter((event) => event.key === key && event.kind === kind && event.time >= from && event.time < to)
      .toSorted((a, b) => b.time - a.time || b.offset - a.offset)
      .slice(0, limit);
  }

  #rollup(query: RollupQuery): RollupResult {
    this.rollups.push(query);
    const rows = new Map<string, RollupRow>();
    const groups = new Map<string, number>();
    for (const event of this.events) {
      if (event.time < query.from || event.time >= query.to) continue;
      if (!Object.entries(query.where).every(([name, values]) => values.includes(valueOf(event, name)))) continue;
      const minute = event.time - (event.time % MINUTE_MS);
      const group = query.groupBy.map((name) => valueOf(event, name));
      const key = JSON.stringify([minute, ...group]);
      const { count = 0, sums = [0n] } = rows.get(key) ?? {};
      rows.set(key, { minute, group, count: count + 1, sums: [sums[0]! + BigInt(event.measures[0]!)] });
      groups.set(JSON.stringify(group), (groups.get(JSON.stringify(group)) ?? 0) + 1);
    }
    const kept = [...groups]
      .toSorted((a, b) => b[1] - a[1])
      .slice(0, query.limit)
      .map(([group]) => group);
    const shown = [...rows.values()]
      .filter(({ group }) => kept.includes(JSON.stringify(group)))
      .toSorted((a, b) => a.minute - b.minute || (JSON.stringify(a.group) < JSON.stringify(b.group) ? -1 : 1));
    return { rows: shown, truncated: groups.size > query.limit };
  }
}

const valueOf = (event: StateEvent, name: string): string =>
  name === 'kind'
    ? ACTIONS[event.kind]!
    : event.dimensions[TAG_STATE_SCHEMA.dimensions.findIndex((dimension) => dimension.name === name)]!;
