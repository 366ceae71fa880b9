import { MillraceError } from '@millrace/core';
import type { AerospikeExp } from 'aerospike';

import { failureOf, STATUS } from './errors.ts';
import { BIN } from './key-value-entry.ts';
import type { Key, Operation, Records } from './records.ts';

/** What a single write may depend on, beside its operations. */
export interface Condition {
  readonly filter?: AerospikeExp;
  /** Token of the entry that it is to replace, which the filter checks. */
  readonly wanted?: number;
  readonly ttl: number;
  readonly mustExist?: boolean;
  /** Its caller relies on whether it was applied, and does not want it twice. */
  readonly isOnce?: boolean;
}

/** A write of one record that was applied. */
export interface Applied {
  /** What its read operations gave; undefined when it was found out later that it was applied. */
  readonly bins: Readonly<Record<string, unknown>> | undefined;
}

interface Stored extends Applied {
  readonly token: unknown;
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
    const { filter, wanted, ttl, mustExist = false, isOnce = false } = condition;
    const policy = new driver.OperatePolicy({
      ...connection.writeDefaults,
      ...(filter === undefined ? {} : { filterExpression: filter }),
      exists: mustExist ? policies.exists.UPDATE : policies.exists.IGNORE,
    });
    // Unchanged, it was not applied, or is refused when it still comes. Otherwise another write may have followed.
    const isUnknown = (stored: Stored | undefined): boolean =>
      isOnce && (stored === undefined ? wanted !== undefined : stored.token !== wanted);
    let doubt: unknown;
    const applied = await this.#records.run(async (client): Promise<Applied | 'not held' | 'unknown'> => {
      if (doubt !== undefined) {
        const stored = await this.#stored(name);
        if (stored?.token === token) return stored;
        if (isUnknown(stored)) return 'unknown';
      }
      try {
        const record = await client.operate(name, operations, { ttl }, policy);
        return { bins: record.bins };
      } catch (error) {
        const failure = failureOf(error);
        if (failure?.inDoubt === true) doubt = error;
        if (failure === undefined || !NOT_HELD.has(failure.code)) throw error;
      }
      // It may be the first attempt, coming late, that keeps the second one out.
      if (doubt === undefined) return 'not held';
      const stored = await this.#stored(name);
      if (stored?.token === token) return stored;
      return isUnknown(stored) ? 'unknown' : 'not held';
    });
    if (applied === 'unknown') throw inDoubt(doubt, connection.address.display);
    return applied === 'not held' ? undefined : applied;
  }

  async #stored(name: Key): Promise<Stored | undefined> {
    const [bins] = await this.#records.read([name]);
    return bins === undefined ? undefined : { bins, token: bins[BIN.token] };
  }

  /** Whether there was a record, and the filter held. @throws UNAVAILABLE, also when that cannot be told any more */
  async remove(name: Key, filter: AerospikeExp): Promise<boolean> {
    const { driver, connection } = this.#records;
    const policy = new driver.RemovePolicy({
      ...connection.writeDefaults,
      filterExpression: filter,
    });
    let doubt: unknown;
    const removed = await this.#records.run(async (client): Promise<boolean | 'unknown'> => {
      try {
        await client.remove(name, policy);
        return true;
      } catch (error) {
        const failure = failureOf(error);
        // Gone after a lost answer: it was this call that removed it, unless another did so in the same moment.
        if (failure?.code === STATUS.notFound) return doubt !== undefined;
        // After a lost answer it may have been removed, and the key made anew by another.
        if (failure !== undefined && NOT_HELD.has(failure.code)) return doubt !== undefined && 'unknown';
        if (failure?.inDoubt === true) doubt = error;
        throw error;
      }
    });
    if (removed === 'unknown') throw inDoubt(doubt, connection.address.display);
    return removed;
  }
}

const inDoubt = (cause: unknown, display: string): MillraceError =>
  new MillraceError(
    'UNAVAILABLE',
    `Aerospike at ${display} did not answer, and the key was changed since, so whether this was done cannot be told: ` +
      'read it before trying again',
    { cause },
  );
