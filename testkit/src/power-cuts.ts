import type { EventLog, NewRecord, Position } from '@millrace/core';
import { SimulatedDisk, StorageError } from '@millrace/storage';

import { readWhole, type SeenRecord } from './read-whole.ts';
import { seededRandom } from './seeded-random.ts';

export interface PowerCutsOptions {
  /** How many power cuts. */
  readonly rounds: number;
  /** The same seed cuts at the same places. */
  readonly seed: number;
  /** Opens the log on this disk; small segments make the cuts meet the change of segments. */
  readonly open: (disk: SimulatedDisk) => Promise<EventLog>;
}

export interface PowerCutsResult {
  readonly cuts: number;
  /** Records whose append had resolved before a cut, each checked after every later cut of its disk. */
  readonly acknowledged: number;
  /** Records that were found although their append had not resolved: allowed, once. */
  readonly unacknowledgedFound: number;
  /** What went wrong, in words; empty when the log kept its promise. */
  readonly problems: readonly string[];
}

/** So many cuts hit the same disk one after another before a new one is taken. */
const CUTS_PER_DISK = 10;
const MAX_OPERATIONS = 60;

/**
 * Appends from several callers at once to a simulated disk, cuts its power at a random disk operation (opening and
 * recovery included), opens the log again and compares: nothing acknowledged is lost or moved, nothing is torn, doubled,
 * out of order or damaged.
 */
export async function powerCuts({ rounds, seed, open }: PowerCutsOptions): Promise<PowerCutsResult> {
  const random = seededRandom(seed);
  const problems: string[] = [];
  let acknowledged = 0;
  let unacknowledgedFound = 0;
  let cuts = 0;
  while (cuts < rounds) {
    const trial = new Trial(random, open);
    for (let i = 0; i < CUTS_PER_DISK && cuts < rounds; i++) {
      cuts++;
      await trial.liveUntilCut();
      const found = await trial.check();
      for (const problem of found) problems.push(`cut ${cuts} of seed ${seed}: ${problem}`);
    }
    acknowledged += trial.acknowledged.size;
    unacknowledgedFound += trial.unacknowledgedFound;
  }
  return { cuts, acknowledged, unacknowledgedFound, problems };
}

/** One disk and what was appended to it. */
class Trial {
  readonly acknowledged = new Map<number, Position>();
  unacknowledgedFound = 0;
  readonly #attempted = new Map<number, { readonly record: NewRecord; readonly caller: number }>();
  readonly #disk = new SimulatedDisk();
  readonly #random: () => number;
  readonly #open: (disk: SimulatedDisk) => Promise<EventLog>;
  #ids = 0;
  #callers = 0;

  constructor(random: () => number, open: (disk: SimulatedDisk) => Promise<EventLog>) {
    this.#random = random;
    this.#open = open;
  }

  async liveUntilCut(): Promise<void> {
    let operations = this.#below(MAX_OPERATIONS);
    this.#disk.onOperation = () => {
      if (operations-- <= 0) throw new StorageError('DISK_FAILED', 'the power is gone');
    };
    try {
      const log = await this.#open(this.#disk);
      const callers = 1 + this.#below(6);
      await Promise.all(Array.from({ length: callers }, () => this.#appendUntilFailure(log)));
      await log.close();
    } catch (error) {
      if (!isPowerLoss(error)) throw error;
    }
    this.#disk.onOperation = undefined;
    this.#disk.powerCut(this.#random);
  }

  async check(): Promise<string[]> {
    const log = await this.#open(this.#disk);
    const problems: string[] = [];
    const seen = new Map<number, SeenRecord>();
    const latest = new Map<string, number>();
    try {
      const { records, damage } = await readWhole(log);
      for (const lost of damage) problems.push(`damage at ${lost.place}: ${lost.reason}`);
      for (const record of records) {
        const id = record.value.readUInt32LE(0);
        const attempt = this.#attempted.get(id);
        if (attempt === undefined) problems.push(`record ${id} was never appended`);
        else if (record.key !== attempt.record.key || !record.value.equals(attempt.record.value)) {
          problems.push(`record ${id} is torn`);
        } else {
          // A caller appends one call after the other, so its records must lie in that order within a partition.
          const lane = `${attempt.caller}/${record.partition}`;
          if ((latest.get(lane) ?? -1) > id) problems.push(`record ${id} is out of order`);
          latest.set(lane, id);
        }
        if (seen.has(id)) problems.push(`record ${id} is there twice`);
        seen.set(id, record);
      }
    } finally {
      await log.close();
    }
    for (const [id, { partition, offset }] of this.acknowledged) {
      const record = seen.get(id);
      if (record === undefined) problems.push(`acknowledged record ${id} is lost`);
      else if (record.offset !== offset || record.partition !== partition) problems.push(`record ${id} has moved`);
    }
    for (const [id, { partition, offset }] of seen) {
      if (this.acknowledged.has(id)) continue;
      this.unacknowledgedFound++;
      // Read once, it is durable: it must stay from now on.
      this.acknowledged.set(id, { partition, offset });
    }
    return problems;
  }

  async #appendUntilFailure(log: EventLog): Promise<void> {
    const caller = this.#callers++;
    for (;;) {
      const count = this.#random() < 0.7 ? 1 : 1 + this.#below(20);
      const ids = Array.from({ length: count }, () => this.#ids++);
      const records = ids.map((id) => this.#record(id));
      for (const [i, id] of ids.entries()) this.#attempted.set(id, { record: records[i]!, caller });
      try {
        const positions = await log.append(records);
        for (const [i, id] of ids.entries()) this.acknowledged.set(id, positions[i]!);
      } catch (error) {
        if (isPowerLoss(error)) return;
        throw error;
      }
    }
  }

  #record(id: number): NewRecord {
    const size = this.#random() < 0.05 ? 4000 + this.#below(4000) : 4 + this.#below(300);
    const value = Buffer.alloc(size, id % 251);
    value.writeUInt32LE(id, 0);
    return { key: `key-${this.#below(50)}`, value };
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }
}

/** Whether it is the error of a simulated disk without power, or what a log makes of it. */
export function isPowerLoss(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof StorageError && cause.code === 'DISK_FAILED') return true;
  }
  return false;
}
