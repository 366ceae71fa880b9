import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';

import { MillraceError, type Refusal, type Sink } from '@millrace/core';

import { type AerospikeConnection, isInDoubt } from '../client.ts';
import { aerospikeError, failureOf, isTemporary, STATUS, statusError } from '../errors.ts';
import type { Key } from '../records.ts';
import type { EncodedRecord } from './message.ts';
import { type WritePolicies, writePolicies, type WriteRules } from './write-policies.ts';

/** How long failed records are sent again on the same connection: it finds the partitions of a lost node in about a second. */
const RETRY_MS = 3000;
const PAUSE_MS = { first: 5, longest: 200 };
/** Rows of one batch: a larger one would keep the connection for too long. */
const MAX_ROWS = 1000;
/** What the client says of a row that the server has not answered. */
const NO_RESPONSE = -15;

/** Outcome of a conditional write whose answer was lost, and whose record was changed since. */
const UNKNOWN = Symbol('unknown');

/** Writes records in batches: each batch as large as it can be while no key is in it twice, so that keys keep their order. */
export class RecordSink implements Sink<EncodedRecord> {
  readonly #connection: AerospikeConnection;
  readonly #rules: WriteRules;
  readonly #policies: WritePolicies;
  #isClosed = false;

  constructor(connection: AerospikeConnection, rules: WriteRules) {
    this.#connection = connection;
    this.#rules = rules;
    this.#policies = writePolicies(connection, rules);
  }

  async send(messages: readonly EncodedRecord[], taken: (count: number) => void): Promise<readonly Refusal[]> {
    const refusals: Refusal[] = [];
    for (let start = 0; start < messages.length;) {
      const end = this.#endOfBatch(messages, start);
      await this.#write(messages, start, end, refusals);
      start = end;
      // What was refused must not count as taken.
      if (refusals.length === 0) taken(end);
    }
    return refusals;
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#connection.close();
    return Promise.resolve();
  }

  #endOfBatch(messages: readonly EncodedRecord[], start: number): number {
    const ids = new Set<string>();
    let end = start;
    for (; end < messages.length && end - start < MAX_ROWS; end++) {
      const message = messages[end]!;
      if (ids.has(message.id)) break;
      // A batch cannot say which generation a record must have.
      if (this.#isConditional(message)) return Math.max(end, start + 1);
      ids.add(message.id);
    }
    return end;
  }

  /** Whether the outcome of a second attempt depends on the first. */
  #isConditional({ generation }: EncodedRecord): boolean {
    return generation !== undefined || this.#rules.writeMode === 'create';
  }

  /** Writes what is between, again and again those that fail for a time. @throws UNAVAILABLE */
  async #write(messages: readonly EncodedRecord[], start: number, end: number, refusals: Refusal[]): Promise<void> {
    const { display } = this.#connection.address;
    const deadline = Date.now() + RETRY_MS;
    let open = Array.from({ length: end - start }, (_, at) => start + at);
    for (let pauseMs = PAUSE_MS.first; open.length > 0; pauseMs = Math.min(2 * pauseMs, PAUSE_MS.longest)) {
      const records = open.map((index) => messages[index]!);
      const statuses = await this.#attempt(records);
      let failure: MillraceError | undefined;
      open = open.filter((index, at) => {
        const status = statuses[at]!;
        const error = errorOf(status, records[at]!, display);
        if (error === undefined) return false;
        // Another attempt could not tell any more either.
        const isOpen = error.retry && status !== UNKNOWN;
        if (isOpen) failure = error;
        else refusals.push({ index, error });
        return isOpen;
      });
      if (failure === undefined) return;
      if (this.#isClosed || Date.now() + pauseMs > deadline) throw failure;
      // Not all publishers at the same moment.
      await sleep(pauseMs * (0.5 + Math.random() / 2));
    }
  }

  /** What became of each: a status, or the error of the client. */
  async #attempt(records: readonly EncodedRecord[]): Promise<readonly unknown[]> {
    // A single put costs half of a batch of one.
    if (records.length === 1) return [await this.#put(records[0]!)];
    const { driver, client } = this.#connection;
    const { write } = driver.operations;
    const rows = records.map((record) => ({
      type: driver.batchType.BATCH_WRITE,
      key: this.#keyOf(record),
      policy: this.#policies.ofRow(record),
      ops: Object.entries(record.bins).map(([name, value]) => write(name, value)),
    }));
    try {
      const answers = await client.batchWrite(rows, this.#policies.batch);
      return answers.map(({ status }) => (Number(status) === NO_RESPONSE ? STATUS.timeout : status));
    } catch (error) {
      const code = failureOf(error)?.code;
      if (code === undefined || isTemporary(code)) return records.map(() => error);
      // The client refuses a batch for one row of it.
      return Promise.all(records.map((record) => this.#put(record)));
    }
  }

  async #put(record: EncodedRecord): Promise<unknown> {
    const { ttl, generation } = record;
    try {
      const meta = generation === undefined ? { ttl } : { ttl, gen: generation };
      await this.#connection.client.put(this.#keyOf(record), record.bins, meta, this.#policies.ofPut(record));
      return STATUS.ok;
    } catch (error) {
      const code = failureOf(error)?.code;
      const isTaken = code === STATUS.generation || code === STATUS.exists;
      if (isTaken && record.inDoubt) return this.#outcome(record, error);
      record.inDoubt ||= isInDoubt(error);
      return error;
    }
  }

  /** What became of a record when an attempt was in doubt and the next one was refused: read from what it is now. */
  async #outcome({ bins, generation, ...rest }: EncodedRecord, refusal: unknown): Promise<unknown> {
    const { writeMode, generationPolicy } = this.#rules;
    try {
      const found = await this.#connection.client.get(this.#keyOf(rest));
      const isOurs = Object.entries(bins).every(([name, value]) => isDeepStrictEqual(found.bins[name] ?? null, value));
      const isExact = generation !== undefined && generationPolicy === 'eq';
      // The generation that the write has made if it was applied; undefined when that cannot be said.
      const made = isExact ? generation + 1 : writeMode === 'create' ? 1 : undefined;
      if (isOurs && (!isExact || found.gen === made)) return STATUS.ok;
      return found.gen === made ? refusal : UNKNOWN;
    } catch (error) {
      if (failureOf(error)?.code === STATUS.notFound) return UNKNOWN;
      throw aerospikeError(error, this.#connection.address.display);
    }
  }

  #keyOf({ key }: Pick<EncodedRecord, 'key'>): Key {
    const { driver, address } = this.#connection;
    return new driver.Key(address.namespace, address.set, key) as Key;
  }
}

/** Undefined when the record was written. */
function errorOf(outcome: unknown, { key, bins, bytes }: EncodedRecord, display: string): MillraceError | undefined {
  if (outcome === STATUS.ok) return undefined;
  const shown = typeof key === 'string' ? `"${key}"` : String(key);
  if (outcome === UNKNOWN) {
    return new MillraceError(
      'UNAVAILABLE',
      `Aerospike at ${display} did not answer, and the record ${shown} was changed since, so whether it was written ` +
        'cannot be told: read it before sending this again',
      { field: 'key', value: key },
    );
  }
  const status = typeof outcome === 'number' ? outcome : failureOf(outcome)?.code;
  // All bins were to be removed, and there is no record.
  if (status === STATUS.notFound && Object.values(bins).every((value) => value === null)) return undefined;
  if (status !== STATUS.recordTooBig) {
    return typeof outcome === 'number' ? statusError(outcome, display) : aerospikeError(outcome, display);
  }
  return new MillraceError(
    'RECORD_TOO_LARGE',
    `Aerospike at ${display} answered 13: the record ${shown} has about ${bytes} bytes, more than the namespace takes ` +
      '(max-record-size, 1 MiB by default): write its large text in parts with splitRecord, or raise that limit',
    { field: 'value', value: bytes, accepted: 'a record up to max-record-size', cause: outcome },
  );
}
