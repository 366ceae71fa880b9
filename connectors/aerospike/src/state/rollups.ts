import { MillraceError, type RollupQuery, type RollupResult } from '@millrace/core';
import {
  decodeChunk,
  type Dictionaries,
  MINUTE_MS,
  minuteOf,
  MinuteTable,
  newDictionaries,
  PartitionView,
  planRollup,
  RollupScan,
  SerialSteps,
  keepMinutes,
  latestClock,
  minuteRange,
} from '@millrace/core/state';

import type { Bins } from '../records.ts';
import { BYTES_BIN, CHAIN_START, type ChainPosition, isBefore, OFFSET_BIN } from './chain.ts';
import { readChain } from './dictionary-chain.ts';
import { LENGTH_BYTES } from './minute-write.ts';
import { CLOCK_BINS, INDEX_BINS, type PartitionStatus, QUERY_BINS, readStatuses } from './status.ts';
import type { AerospikeStateOptions } from './store.ts';

/** Minutes that are read at once: bounds what a query of a long range has in memory. */
const SLICE = 16;
/** Longer ranges ask which minutes exist first. */
const ASK_EACH_MINUTES = 240;

/** How far one minute of one partition has been read. */
interface ReadPosition extends ChainPosition {
  /** Committed offset of the partition when it was read; -1: never. */
  readonly checked: number;
}

/** A minute of all partitions, decoded as far as it was read. */
interface KnownMinute {
  readonly table: MinuteTable;
  readonly positions: ReadPosition[];
}

/** One chain to go on reading. */
interface Wanted {
  readonly partition: number;
  readonly minute: number;
  readonly known: KnownMinute;
  /** The last record that there must be. */
  readonly lastBlock: number;
  /** No byte behind this is committed; undefined: the partition's status does not say, because that is long ago. */
  readonly end: ChainPosition | undefined;
}

/**
 * Answers rollup queries from minutes that are kept decoded. Minutes are only ever appended to, so a query fetches the
 * records that have changed since the last one.
 */
export class Rollups {
  readonly #options: AerospikeStateOptions;
  readonly #columns: number;
  #shared: Dictionaries;
  #views: readonly PartitionView[] = [];
  /** Per partition, which record of its dictionary is read next and where its bytes begin. */
  #dictionaries: { block: number; start: number }[] = [];
  #committed: number[] = [];
  readonly #minutes = new Map<number, KnownMinute>();
  #selection: Uint32Array = new Uint32Array(4096);
  readonly #steps = new SerialSteps();

  constructor(options: AerospikeStateOptions) {
    const { schema } = options;
    this.#options = options;
    this.#columns = 1 + schema.dimensions.length + schema.measures.length;
    this.#shared = newDictionaries(schema, Infinity);
    this.#forget();
  }

  /** Dictionaries of the partition as far as they are loaded. */
  dictionaries(partition: number): Dictionaries {
    return this.#views[partition]!.dictionaries;
  }

  /** Loads the dictionary of the partition as far as it is stored now. */
  loadDictionary(partition: number): Promise<void> {
    return this.#alone(() => this.#loadDictionary(partition));
  }

  async query(query: RollupQuery): Promise<RollupResult> {
    const { schema } = this.#options;
    // Names are checked before anything is asked.
    const { from, to } = planRollup(query, schema, this.#shared);
    const minutes = to - from <= ASK_EACH_MINUTES ? minuteRange(from, to) : await this.#existing(from, to);
    // One query reads at a time, so that none adds what another has just added.
    return this.#alone(async () => {
      let statuses = await this.#loadStatuses(QUERY_BINS);
      const live = minutes.filter((minute) => minute >= this.#oldest(statuses));
      // The index of all minutes is large, and the newest ones do not need it.
      if (live.some((minute) => this.#isOpen(minute, statuses))) statuses = await this.#loadStatuses(INDEX_BINS);
      const plan = planRollup(query, schema, this.#shared);
      const scan = new RollupScan(plan, schema, this.#shared, this.#selection);
      for (let at = 0; at < live.length; at += SLICE) {
        const slice = live.slice(at, at + SLICE);
        const tables = await this.#load(slice, statuses);
        slice.forEach((minute, index) => {
          const table = tables[index]!;
          if (table.rows === 0) return;
          scan.startMinute(minute);
          scan.add(table.view());
        });
      }
      this.#selection = scan.selection;
      return scan.result();
    });
  }

  /** The newest minutes that exist, ascending. */
  async newestMinutes(count: number): Promise<number[]> {
    const found = await this.#existing(0, Infinity);
    return found.slice(-count);
  }

  async #existing(from: number, to: number): Promise<number[]> {
    const { records, keys, partitions } = this.#options;
    const statuses = await readStatuses(records, keys, partitions, ['m']);
    const found = new Set(statuses.flatMap(({ minutes }) => minutes.sorted()));
    return [...found].filter((minute) => minute >= from && minute < to).toSorted((a, b) => a - b);
  }

  async #alone<T>(step: () => Promise<T>): Promise<T> {
    this.#options.records.assertOpen();
    return this.#steps.run(step);
  }

  async #loadStatuses(bins: readonly string[]): Promise<PartitionStatus[]> {
    const { records, keys, partitions } = this.#options;
    const statuses = await readStatuses(records, keys, partitions, bins);
    // A server that lost its last writes may hold others in their place by now.
    const isBehind = statuses.some(({ committed }, partition) => (committed ?? 0) < this.#committed[partition]!);
    if (isBehind) this.#forget();
    this.#committed = statuses.map(({ committed }) => committed ?? 0);
    for (const [partition, { entries }] of statuses.entries()) {
      const known = this.dictionaries(partition).reduce((sum, dictionary) => sum + (dictionary?.size ?? 0), 0);
      if (known < entries) await this.#loadDictionary(partition);
    }
    return statuses;
  }

  async #loadDictionary(partition: number): Promise<void> {
    const { records, keys } = this.#options;
    const at = this.#dictionaries[partition]!;
    for await (const { block, bytes } of readChain({ records, keys, partition }, at.block)) {
      if (block > at.block) {
        at.block = block;
        at.start = this.#views[partition]!.loaded;
      }
      this.#views[partition]!.load(at.start, bytes);
    }
  }

  #forget(): void {
    const { schema, partitions } = this.#options;
    this.#shared = newDictionaries(schema, Infinity);
    this.#views = Array.from({ length: partitions }, () => new PartitionView(schema, this.#shared));
    this.#dictionaries = Array.from({ length: partitions }, () => ({ block: 0, start: 0 }));
    this.#committed = Array.from({ length: partitions }, () => 0);
    this.#minutes.clear();
  }

  /** Brings these minutes up to date. */
  async #load(minutes: readonly number[], statuses: readonly PartitionStatus[]): Promise<MinuteTable[]> {
    const { records, keys } = this.#options;
    const all = minutes.map((minute) => this.#minute(minute));
    let open = minutes.flatMap((minute, at) =>
      statuses.flatMap((status, partition) => wanted(partition, minute, all[at]!, status) ?? []),
    );
    while (open.length > 0) {
      const names = open.map(({ partition, minute, known }) =>
        keys.minute(partition, minute, known.positions[partition]!.block),
      );
      const found = await records.read(names, [BYTES_BIN, OFFSET_BIN]);
      await this.#knowEntries(open, found);
      await this.#assertOver(open.filter((_, at) => found[at] === undefined));
      open = open.filter((one, at) => this.#add(one, found[at]?.[BYTES_BIN] as Buffer | undefined));
    }
    minutes.forEach((_, at) => {
      statuses.forEach(({ committed }, partition) => {
        const { positions } = all[at]!;
        positions[partition] = { ...positions[partition]!, checked: committed ?? -1 };
      });
    });
    const used = minutes.map((minute, at) => [minute, all[at]!] as const);
    keepMinutes(this.#minutes, used, this.#options.cacheBytes, ({ table }) => table.bytes);
    return all.map(({ table }) => table);
  }

  /**
   * Where the end that is committed is not known, there may be rows of a commit under way, whose entries no status counts
   * yet. They are stored before the rows, so they are there now.
   */
  async #knowEntries(chains: readonly Wanted[], found: readonly (Bins | undefined)[]): Promise<void> {
    const ahead = chains.filter(({ partition, end }, at) => {
      const reached = found[at]?.[OFFSET_BIN] as number | undefined;
      return end === undefined && reached !== undefined && reached > this.#committed[partition]!;
    });
    for (const partition of new Set(ahead.map((one) => one.partition))) await this.#loadDictionary(partition);
  }

  /** Whether the statuses without their index do not say what there is of this minute. */
  #isOpen(minute: number, statuses: readonly PartitionStatus[]): boolean {
    const known = this.#minutes.get(minute);
    return statuses.some(({ committed, recent }, partition) => {
      const checked = known?.positions[partition]!.checked ?? -1;
      return committed !== undefined && recent.get(minute) === undefined && checked < recent.floor;
    });
  }

  /** The first minute that counts. */
  #oldest(statuses: readonly PartitionStatus[]): number {
    const clock = latestClock(statuses);
    const kept = clock === undefined ? 0 : minuteOf(clock - this.#options.retentionMs);
    return Math.max(0, kept, ...statuses.map(({ oldestMinute }) => oldestMinute));
  }

  /** A minute that is over may go while it is read; any other record is lost. @throws STATE_CORRUPT */
  async #assertOver(missing: readonly Wanted[]): Promise<void> {
    if (missing.length === 0) return;
    const { records, keys, partitions } = this.#options;
    const oldest = this.#oldest(await readStatuses(records, keys, partitions, CLOCK_BINS));
    const lost = missing.find(({ minute }) => minute >= oldest);
    if (lost === undefined) return;
    const { partition, minute, known } = lost;
    const place = keys.placeOfMinute(partition, minute, known.positions[partition]!.block);
    throw new MillraceError(
      'STATE_CORRUPT',
      `the rollups of ${new Date(minute * MINUTE_MS).toISOString()} have lost the record ${place}: it was deleted, or a ` +
        'node was lost with it. Rebuild the state from the log in another set',
      { field: 'minute', value: minute * MINUTE_MS },
    );
  }

  /** Adds what is new of one record, and tells whether the chain goes on. */
  #add({ partition, known, lastBlock, end }: Wanted, bytes: Buffer | undefined): boolean {
    if (bytes === undefined) return false;
    const { block, size, checked } = known.positions[partition]!;
    const isLast = block >= lastBlock;
    const until = isLast && end !== undefined ? Math.max(size, end.size) : bytes.length;
    if (until > bytes.length) {
      throw new MillraceError(
        'STATE_CORRUPT',
        `a minute of partition ${partition} has ${bytes.length} of ${until} bytes`,
      );
    }
    for (let position = size; position < until;) {
      const start = position + LENGTH_BYTES;
      position = start + bytes.readUInt32BE(position);
      this.#views[partition]!.append(known.table, decodeChunk(bytes.subarray(start, position), this.#columns));
    }
    known.positions[partition] = isLast ? { block, size: until, checked } : { block: block + 1, size: 0, checked };
    return !isLast;
  }

  #minute(minute: number): KnownMinute {
    const known = this.#minutes.get(minute);
    if (known !== undefined) return known;
    const positions = this.#views.map((): ReadPosition => ({ ...CHAIN_START, checked: -1 }));
    return { table: new MinuteTable(this.#columns, this.#views.length), positions };
  }
}

/** What there may be of a minute beyond what was read. */
function wanted(
  partition: number,
  minute: number,
  known: KnownMinute,
  { recent, minutes }: PartitionStatus,
): Wanted | undefined {
  const position = known.positions[partition]!;
  const end = recent.get(minute);
  if (end !== undefined) {
    return isBefore(position, end) ? { partition, minute, known, end, lastBlock: end.block } : undefined;
  }
  const lastBlock = minutes.lastBlock(minute);
  if (lastBlock === undefined || position.checked >= recent.floor) return undefined;
  return { partition, minute, known, end, lastBlock };
}
