import { MillraceError } from '@millrace/core';
import type { AerospikeExp } from 'aerospike';

import { failureOf, STATUS } from './errors.ts';
import { BIN } from './key-value-entry.ts';
import type { Key, Operation, Records } from './records.ts';

/** What a single write may depend on, beside its operations. */
export interface Condition {
  readonly filter?: AerospikeExp;
  readonly generation?: number;
  readonly ttl: number;
  readonly mustExist?: boolean;
  /** Done twice it would count twice. */
  readonly addsUp?: boolean;
}

/** A write of one record that was applied. */
export interface Applied {
  readonly generation: number;
  /** What its read operations gave; undefined when it was found out later that it was applied. */
  readonly bins: Readonly<Record<string, unknown>> | undefined;
}

/** Answers to a write whose condition does not hold. */
const NOT_HELD: ReadonlySet<number> = new Set([
  STATUS.notFound,
  STATUS.generation,
  STATUS.exists,
  STATUS.binType,
  STATUS.filteredOut,
]);

/** Conditional writes of single entries, whose outcome is known also where an answer was lost. */
export class SingleWrites {
  readonly #records: Records;

  constructor(records: Records) {
    this.#records = records;
  }

  /**
   * One write. After a lost answer the record's token tells whether it was applied.
   *
   * @returns undefined when its condition did not hold
   * @throws UNAVAILABLE when the cluster stayed away, or when it cannot be told any more whether the write was applied
   */
  async write(name: Key, operations: Operation[], token: number, condition: Condition): Promise<Applied | undefined> {
    const { driver, connection } = this.#records;
    const { policy: policies } = driver;
    const { filter, generation, ttl, mustExist = false, addsUp = false } = condition;
    const policy = new driver.OperatePolicy({
      ...connection.writeDefaults,
      ...(filter === undefined ? {} : { filterExpression: filter }),
      ...(generation === undefined ? {} : { gen: policies.gen.EQ }),
      exists: mustExist ? policies.exists.UPDATE : policies.exists.IGNORE,
    });
    let doubt: unknown;
    const applied = await this.#records.run(async (client): Promise<Applied | 'not held' | 'unknown'> => {
      if (doubt !== undefined) {
        const stored = await this.#stored(name);
        if (stored?.token === token) return stored;
        // Unchanged, it was not applied, or is refused when it still comes. Otherwise another write may have followed.
        if (addsUp && stored !== undefined && stored.generation !== generation) return 'unknown';
      }
      try {
        const meta = { ttl, ...(generation === undefined ? {} : { gen: generation }) };
        const record = await client.operate(name, operations, meta, policy);
        return { generation: record.gen, bins: record.bins };
      } catch (error) {
        const failure = failureOf(error);
        if (failure?.inDoubt === true) doubt = error;
        if (failure === undefined || !NOT_HELD.has(failure.code)) throw error;
      }
      // It may be the first attempt, coming late, that keeps the second one out.
      const stored = doubt === undefined ? undefined : await this.#stored(name);
      if (stored?.token === token) return stored;
      return stored !== undefined && addsUp ? 'unknown' : 'not held';
    });
    if (applied === 'unknown') throw inDoubt(doubt, connection.address.display);
    return applied === 'not held' ? undefined : applied;
  }

  async #stored(name: Key): Promise<(Applied & { readonly token: unknown }) | undefined> {
    const [record] = await this.#records.readVersioned([name]);
    return record === undefined ? undefined : { ...record, token: record.bins[BIN.token] };
  }

  /** Whether there was a record, and the filter held. @throws UNAVAILABLE */
  async remove(name: Key, filter: AerospikeExp, generation: number | undefined): Promise<boolean> {
    const { driver, connection } = this.#records;
    const policy = new driver.RemovePolicy({
      ...connection.writeDefaults,
      filterExpression: filter,
      ...(generation === undefined ? {} : { gen: driver.policy.gen.EQ, generation }),
    });
    let isInDoubt = false;
    return this.#records.run(async (client) => {
      try {
        await client.remove(name, policy);
        return true;
      } catch (error) {
        const failure = failureOf(error);
        // Gone after a lost answer: it was this call that removed it, unless another did so in the same moment.
        if (failure?.code === STATUS.notFound) return isInDoubt;
        if (failure !== undefined && NOT_HELD.has(failure.code)) return false;
        if (failure?.inDoubt === true) isInDoubt = true;
        throw error;
      }
    });
  }
}

const inDoubt = (cause: unknown, display: string): MillraceError =>
  new MillraceError(
    'UNAVAILABLE',
    `Aerospike at ${display} did not answer an addition, and the key was written again since: read it before adding again`,
    { cause },
  );
