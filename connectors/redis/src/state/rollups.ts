import { MillraceError, type RollupQuery, type RollupResult, type StateSchema } from '@millrace/core';
import {
  decodeChunk,
  type Dictionaries,
  minuteOf,
  MinuteTable,
  newDictionaries,
  PartitionView,
  planRollup,
  RollupScan,
  keepMinutes,
  latestClock,
  minuteRange,
} from '@millrace/core/state';

import type { BoundedLink } from '../bounded-link.ts';
import type { RedisClient } from '../connection.ts';
import type { StateKeys } from './keys.ts';
import { FETCH } from './scripts.ts';

/** Minutes that are read at once: bounds what a query of a long range has in memory. */
const SLICE = 16;
/** Longer ranges ask which minutes exist first. */
const ASK_EACH_MINUTES = 240;
/** How often a query begins again because the owner of a partition changed meanwhile. */
const ATTEMPTS = 5;
const LENGTH_BYTES = 4;

interface RollupsOptions {
  readonly link: BoundedLink;
  readonly keys: StateKeys;
  readonly schema: StateSchema;
  readonly partitions: number;
  readonly retentionMs: number;
  readonly cacheBytes: number;
}

/** What Redis has of one partition beyond what was asked for. */
interface Fetched {
  readonly owner: string;
  readonly clock: number | undefined;
  readonly dictionaryFrom: number;
  readonly dictionary: Buffer;
  /** Per minute, where its bytes begin and the bytes. */
  readonly tails: readonly { readonly from: number; readonly bytes: Buffer }[];
}

/**
 * Answers rollup queries from minutes that are kept decoded. Minutes are only ever appended to, so a query fetches what
 * has been added since the last one.
 */
export class Rollups {
  readonly #options: RollupsOptions;
  readonly #columns: number;
  readonly #shared: Dictionaries;
  readonly #views: readonly PartitionView[];
  readonly #tables = new Map<number, MinuteTable>();
  /** Changes when all is forgotten: what was asked for before cannot be added any more. */
  #generation = 0;
  #selection: Uint32Array = new Uint32Array(4096);

  constructor(options: RollupsOptions) {
    const { schema, partitions } = options;
    this.#options = options;
    this.#columns = 1 + schema.dimensions.length + schema.measures.length;
    this.#shared = newDictionaries(schema, Infinity);
    this.#views = Array.from({ length: partitions }, () => new PartitionView(schema, this.#shared));
  }

  /** Forgets what was read: after a lost connection Redis may have lost writes. */
  forget(): void {
    this.#generation++;
    for (const view of this.#views) view.reset();
    this.#tables.clear();
  }

  /** Loads the partitions' dictionaries as far as they are stored now. */
  async load(partitions: readonly number[]): Promise<void> {
    await this.#load([], partitions);
  }

  /** Dictionaries of the partition under this owner, as far as they are known. */
  known(partition: number, owner: string): Dictionaries | undefined {
    const view = this.#views[partition]!;
    return view.owner === owner ? view.dictionaries : undefined;
  }

  async query(query: RollupQuery): Promise<RollupResult> {
    const { schema, retentionMs } = this.#options;
    // Names are checked before anything is asked.
    const { from, to } = planRollup(query, schema, this.#shared);
    const minutes = to - from <= ASK_EACH_MINUTES ? minuteRange(from, to) : await this.#existing(from, to);
    const first = await this.#load(minutes.slice(0, SLICE));
    const oldest = first.clock === undefined ? 0 : Math.max(0, minuteOf(first.clock - retentionMs));
    const plan = planRollup(query, schema, this.#shared);
    const scan = new RollupScan(plan, schema, this.#shared, this.#selection);
    for (let at = 0; at < minutes.length; at += SLICE) {
      const slice = minutes.slice(at, at + SLICE);
      const { tables } = at === 0 ? first : await this.#load(slice);
      // A later slice may bring values that the plan could not know.
      const again = at === 0 ? plan : planRollup(query, schema, this.#shared);
      for (const { column, numbers } of plan.filters) {
        const more = again.filters.find((filter) => filter.column === column)!.numbers;
        for (const number of more) (numbers as Set<number>).add(number);
      }
      slice.forEach((minute, index) => {
        const table = tables[index]!;
        if (minute < oldest || table.rows === 0) return;
        scan.startMinute(minute);
        scan.add(table.view());
      });
    }
    this.#selection = scan.selection;
    return scan.result();
  }

  /** The newest minutes that exist, ascending. */
  async newestMinutes(count: number): Promise<number[]> {
    const found = await this.#minutes((client, key) => client.zrevrange(key, 0, count - 1));
    return found.slice(-count);
  }

  #existing(from: number, to: number): Promise<number[]> {
    return this.#minutes((client, key) => client.zrangebyscore(key, from, `(${to}`));
  }

  async #minutes(ask: (client: RedisClient, key: string) => Promise<string[]>): Promise<number[]> {
    const { link, keys } = this.#options;
    const found = await link.run((client) =>
      Promise.all(this.#views.map((_, partition) => ask(client, keys.minutes(partition)))),
    );
    return [...new Set(found.flat().map(Number))].toSorted((a, b) => a - b);
  }

  /** Brings these minutes up to date. */
  async #load(
    minutes: readonly number[],
    partitions: readonly number[] = this.#views.map((_, partition) => partition),
  ): Promise<{ tables: MinuteTable[]; clock: number | undefined }> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const generation = this.#generation;
      const tables = minutes.map((minute) => this.#table(minute));
      const fetched = await this.#options.link.run((client) =>
        Promise.all(partitions.map((partition) => this.#fetch(client, partition, minutes, tables))),
      );
      if (generation !== this.#generation) continue;
      if (!partitions.every((partition, at) => this.#apply(partition, fetched[at]!, tables))) continue;
      const used = minutes.map((minute, at) => [minute, tables[at]!] as const);
      keepMinutes(this.#tables, used, this.#options.cacheBytes, ({ bytes }) => bytes);
      return { tables, clock: latestClock(fetched) };
    }
    throw new MillraceError('UNAVAILABLE', 'the partitions of the state change hands too often to be read: try again');
  }

  async #fetch(
    client: RedisClient,
    partition: number,
    minutes: readonly number[],
    tables: readonly MinuteTable[],
  ): Promise<Fetched> {
    const { keys } = this.#options;
    const view = this.#views[partition]!;
    const dictionaryFrom = view.loaded;
    const known = tables.map((table) => table.known[partition]!);
    const [owner, clock, dictionary, ...tails] = (await FETCH.runBuffer(
      client,
      [keys.owner(partition), keys.status(partition), keys.dictionary(partition)],
      [dictionaryFrom, keys.rollups(partition), ...minutes.flatMap((minute, at) => [minute, known[at]!])],
    )) as [Buffer, Buffer, Buffer, ...Buffer[]];
    return {
      owner: owner.toString(),
      clock: clock.length === 0 ? undefined : Number(clock.toString()),
      dictionaryFrom,
      dictionary,
      tails: tails.map((bytes, at) => ({ from: known[at]!, bytes })),
    };
  }

  /** False when what was known no longer holds: then all is forgotten and has to be asked for again. */
  #apply(partition: number, fetched: Fetched, tables: readonly MinuteTable[]): boolean {
    const view = this.#views[partition]!;
    if (view.owner === '') view.owner = fetched.owner;
    if (view.owner !== fetched.owner) {
      this.forget();
      return false;
    }
    view.load(fetched.dictionaryFrom, fetched.dictionary);
    fetched.tails.forEach(({ from, bytes }, at) => {
      const table = tables[at]!;
      // Another query may have added some of it since this one asked.
      let position = table.known[partition]! - from;
      while (position < bytes.length) {
        const start = position + LENGTH_BYTES;
        const end = start + bytes.readUInt32BE(position);
        view.append(table, decodeChunk(bytes.subarray(start, end), this.#columns));
        position = end;
      }
      table.known[partition] = from + position;
    });
    return true;
  }

  #table(minute: number): MinuteTable {
    let table = this.#tables.get(minute);
    if (table === undefined) {
      table = new MinuteTable(this.#columns, this.#views.length);
      this.#tables.set(minute, table);
    }
    return table;
  }
}
