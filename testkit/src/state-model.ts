import type {
  CommitResult,
  DeadLetter,
  PartitionChange,
  RollupQuery,
  RollupResult,
  RollupRow,
  StateEvent,
  StateSchema,
  TimelineEntry,
  TimelineQuery,
} from '@millrace/core';

const MINUTE_MS = 60_000;
const TEN_MINUTES_MS = 600_000;

interface Applied {
  readonly event: StateEvent;
  readonly partition: number;
  readonly order: number;
}

export interface StateModelOptions {
  readonly schema: StateSchema;
  readonly keep: number;
  readonly retentionMs: number;
}

/**
 * What a state store must answer, the plain way: it keeps every event in a list and looks at all of them for every
 * question. It shares no code with any store.
 */
export class StateModel {
  readonly #options: StateModelOptions;
  readonly #timeline: Applied[] = [];
  #rollup: StateEvent[] = [];
  readonly #committed = new Map<number, number>();
  readonly #newest = new Map<number, { time: number; appendedAt: number }>();
  readonly #seen = new Map<string, number>();
  readonly #deadLetters = new Map<string, DeadLetter>();
  clock: number | undefined;
  late = 0;
  duplicates = 0;

  constructor(options: StateModelOptions) {
    this.#options = options;
  }

  committed(partition: number): number | undefined {
    return this.#committed.get(partition);
  }

  /** Undefined stands for COMMIT_GAP. */
  commit(changes: readonly PartitionChange[]): CommitResult | undefined {
    const reached = new Map(this.#committed);
    for (const { partition, from, to } of changes) {
      const committed = reached.get(partition);
      if (committed !== undefined && from > committed) return undefined;
      reached.set(partition, Math.max(to, committed ?? 0));
    }
    let redelivered = 0;
    const accepted: { event: StateEvent; partition: number }[] = [];
    for (const { partition, from, to, events, deadLetters, resolved } of changes) {
      const committed = this.#committed.get(partition) ?? from;
      for (const event of events) {
        if (event.offset < committed) redelivered++;
        else accepted.push({ event, partition });
      }
      for (const letter of deadLetters) {
        const id = `${partition}-${letter.offset}`;
        if (letter.offset >= committed) this.#deadLetters.set(id, { ...letter, id, partition });
      }
      if (to > committed || this.#committed.get(partition) === undefined) {
        for (const id of resolved ?? []) this.#deadLetters.delete(id);
      }
      this.#committed.set(partition, Math.max(to, committed));
    }
    return { ...this.#apply(accepted), redelivered };
  }

  timeline(key: string, { kind, from, to, limit }: TimelineQuery): TimelineEntry[] {
    return this.#timeline
      .filter(({ event }) => event.key === key && event.kind === kind)
      .toSorted((a, b) => b.event.time - a.event.time || b.event.offset - a.event.offset || b.order - a.order)
      .slice(0, this.#options.keep)
      .filter(({ event }) => event.time >= from && event.time < to)
      .slice(0, limit)
      .map(({ event: { time, dimensions, measures } }) => ({ time, dimensions, measures }));
  }

  rollup({ from, to, where, groupBy, limit }: RollupQuery): RollupResult {
    const cells = new Map<string, { minute: number; group: string[]; count: number; sums: bigint[] }>();
    const totals = new Map<string, number>();
    for (const event of this.#rollup) {
      if (event.time < from || event.time >= to) continue;
      if (!Object.entries(where).every(([name, values]) => values.includes(this.#value(event, name)))) continue;
      const minute = event.time - (event.time % MINUTE_MS);
      const group = groupBy.map((name) => this.#value(event, name));
      const name = JSON.stringify(group);
      totals.set(name, (totals.get(name) ?? 0) + 1);
      const cell = cells.get(`${minute} ${name}`) ?? { minute, group, count: 0, sums: event.measures.map(() => 0n) };
      cell.count++;
      event.measures.forEach((measure, at) => (cell.sums[at] = cell.sums[at]! + BigInt(measure)));
      cells.set(`${minute} ${name}`, cell);
    }
    const ranked = [...totals].toSorted(
      ([a, countOfA], [b, countOfB]) =>
        countOfB - countOfA || compare(JSON.parse(a) as string[], JSON.parse(b) as string[]),
    );
    const kept = new Set(ranked.slice(0, limit).map(([name]) => name));
    const rows: RollupRow[] = [...cells.values()]
      .filter(({ group }) => kept.has(JSON.stringify(group)))
      .toSorted((a, b) => a.minute - b.minute || compare(a.group, b.group));
    return { rows, truncated: ranked.length > limit };
  }

  deadLetters(): DeadLetter[] {
    return [...this.#deadLetters.values()].toSorted((a, b) => a.partition - b.partition || a.offset - b.offset);
  }

  #apply(accepted: readonly { event: StateEvent; partition: number }[]): Omit<CommitResult, 'redelivered'> {
    for (const { event, partition } of accepted) {
      const { time, appendedAt } = event;
      const before = this.#newest.get(partition) ?? { time, appendedAt };
      this.#newest.set(partition, {
        time: Math.max(before.time, time),
        appendedAt: Math.max(before.appendedAt, appendedAt),
      });
    }
    const oldestMinute = this.#tick();
    let late = 0;
    let duplicates = 0;
    for (const { event, partition } of accepted) {
      const { dedupeKey, appendedAt } = event;
      if (dedupeKey !== undefined) {
        const seenAt = this.#seen.get(dedupeKey);
        if (seenAt !== undefined && appendedAt < seenAt + TEN_MINUTES_MS) {
          duplicates++;
          continue;
        }
        this.#seen.set(dedupeKey, appendedAt);
      }
      this.#timeline.push({ event, partition, order: this.#timeline.length });
      if (event.time < oldestMinute) late++;
      else this.#rollup.push(event);
    }
    this.late += late;
    this.duplicates += duplicates;
    return { applied: accepted.length - duplicates, duplicates, late };
  }

  /** Moves the event clock, forgets minutes that are over, and returns the start of the oldest one that is not. */
  #tick(): number {
    const latest = Math.max(...[...this.#newest.values()].map(({ appendedAt }) => appendedAt));
    const active = [...this.#newest.values()].filter(({ appendedAt }) => appendedAt >= latest - TEN_MINUTES_MS);
    if (active.length > 0) this.clock = Math.max(this.clock ?? 0, Math.min(...active.map(({ time }) => time)));
    const boundary = Math.max(0, (this.clock ?? 0) - this.#options.retentionMs);
    const oldestMinute = boundary - (boundary % MINUTE_MS);
    this.#rollup = this.#rollup.filter(({ time }) => time >= oldestMinute);
    return oldestMinute;
  }

  #value(event: StateEvent, name: string): string {
    const { kinds, dimensions } = this.#options.schema;
    if (name === 'kind') return kinds[event.kind]!;
    return event.dimensions[dimensions.findIndex((dimension) => dimension.name === name)]!;
  }
}

function compare(a: readonly string[], b: readonly string[]): number {
  const at = a.findIndex((text, index) => text !== b[index]);
  if (at < 0) return 0;
  return a[at]! < b[at]! ? -1 : 1;
}
