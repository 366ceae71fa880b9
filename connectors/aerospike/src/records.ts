import { setTimeout as sleep } from 'node:timers/promises';

import { MillraceError } from '@millrace/core';
import type { AerospikeBins, AerospikeExp, Client, Key as DriverKey } from 'aerospike';

import { type AerospikeConnection, commitLevelOf, type Driver, masterReads } from './client.ts';
import { aerospikeError, isTemporary, STATUS, statusError } from './errors.ts';

export type Operation = InstanceType<Driver['operations']['Operation']>;
export type Bins = AerospikeBins;
/** The client's own type of a key does not fit all of its commands. */
export type Key = DriverKey & Parameters<Client['get']>[0];

type WriteRow = Parameters<Client['batchWrite']>[0][number];
type ReadRow = Parameters<Client['batchRead']>[0][number];
type WritePolicy = NonNullable<WriteRow['policy']>;

/** One record's operations, run in one step. */
export interface RecordWrite {
  readonly key: Key;
  readonly operations: readonly Operation[];
  /** Made by `policy`; to be shared by the writes that it fits. */
  readonly policy: WritePolicy;
}

export interface PolicyOptions {
  /** Seconds; by default it never expires. */
  readonly ttl?: number;
  /** The write makes no new record. */
  readonly mustExist?: boolean;
}

export interface RecordsOptions {
  /** How long a command is tried again while the cluster is away or overloaded, milliseconds. */
  readonly timeoutMs: number;
  /** What is thrown once it is closed. */
  readonly closedError: () => MillraceError;
}

/** Rows of one batch: a larger one would keep the connection for too long. */
const MAX_ROWS = 1000;
/** Batches under way at a time. */
const PARALLEL = 4;
const PAUSE_MS = { first: 10, longest: 500 };
/** A batch does the work of many commands, and may take longer. */
const BATCH_TIMEOUT_FACTOR = 5;

/**
 * Reads and writes records in batches, again and again while the cluster is away: so every write has to be one that may
 * be applied twice, by its nature or by its filter.
 */
export class Records {
  readonly connection: AerospikeConnection;
  readonly #options: RecordsOptions;
  readonly #batchPolicy: NonNullable<Parameters<Client['batchWrite']>[1]>;
  readonly #running = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(connection: AerospikeConnection, options: RecordsOptions) {
    this.connection = connection;
    this.#options = options;
    const { driver, address } = connection;
    const totalTimeout = address.totalTimeout * BATCH_TIMEOUT_FACTOR;
    const time = { totalTimeout, socketTimeout: totalTimeout };
    this.#batchPolicy = new driver.BatchPolicy({ ...time, maxRetries: 0, ...masterReads(driver) });
  }

  get driver(): Driver {
    return this.connection.driver;
  }

  assertOpen(): void {
    if (this.#closing !== undefined) throw this.#options.closedError();
  }

  /** Bins by key in the order of the keys; undefined where there is no record. `bins` names those to read. */
  async read(keys: readonly Key[], bins?: readonly string[]): Promise<(Bins | undefined)[]> {
    const found = await this.#read(keys, bins);
    return found.map(({ status, bins: values }) => (status === STATUS.notFound ? undefined : values));
  }

  /** For each write whether it was applied; false where its filter does not hold. */
  async write(writes: readonly RecordWrite[]): Promise<boolean[]> {
    const { BATCH_WRITE } = this.driver.batchType;
    const rows = writes.map(({ key, operations, policy }): WriteRow => ({
      type: BATCH_WRITE,
      key,
      policy,
      ops: [...operations],
    }));
    const done = await this.#batch(rows, (client, some) =>
      answersOf(client.batchWrite(some as WriteRow[], this.#batchPolicy)),
    );
    return done.map(({ status }) => status === STATUS.ok);
  }

  /** For each key whether there was a record. */
  async remove(keys: readonly Key[]): Promise<boolean[]> {
    const rows = keys.map((key): WriteRow => ({ type: this.driver.batchType.BATCH_REMOVE, key }));
    const done = await this.#batch(rows, (client, some) =>
      answersOf(client.batchWrite(some as WriteRow[], this.#batchPolicy)),
    );
    return done.map(({ status }) => status === STATUS.ok);
  }

  /**
   * For writes.
   *
   * @param filter must hold for a record that exists; it does not keep a new one from being made
   */
  policy(
    filter?: AerospikeExp,
    { ttl = this.driver.ttl.NEVER_EXPIRE, mustExist = false }: PolicyOptions = {},
  ): WritePolicy {
    const { connection, driver } = this;
    return new driver.BatchWritePolicy({
      ttl,
      commitLevel: commitLevelOf(driver, connection.address),
      ...(mustExist ? { exists: driver.policy.exists.UPDATE } : {}),
      // Compiled once for all records of the policy: the client would do it for each, at 40 us and more.
      ...(filter === undefined ? {} : { filterExpression: connection.client.expressionToBase64(filter) }),
    });
  }

  /** Does the work again and again while the cluster is away. @throws UNAVAILABLE when it stayed away */
  async run<T>(work: (client: Client) => Promise<T>): Promise<T> {
    this.assertOpen();
    const running = this.#run(work);
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  /** Refuses new work, and resolves when what is under way has settled and the client is closed. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #read(keys: readonly Key[], bins: readonly string[] | undefined): Promise<Outcome[]> {
    const rows = keys.map((key): ReadRow =>
      bins === undefined ? { key, readAllBins: true } : { key, bins: [...bins] },
    );
    return this.#batch(rows, (client, some) => answersOf(client.batchRead(some as ReadRow[], this.#batchPolicy)));
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#running);
    this.connection.close();
  }

  async #run<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const { client, address } = this.connection;
    const deadline = Date.now() + this.#options.timeoutMs;
    for (let pauseMs = PAUSE_MS.first; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MS.longest)) {
      try {
        return await work(client);
      } catch (error) {
        const failure = aerospikeError(error, address.display);
        if (!failure.retry || Date.now() + pauseMs > deadline) throw failure;
      }
      // Not all processes at the same moment.
      await sleep(pauseMs * (0.5 + Math.random() / 2));
    }
  }

  /** Runs the rows, those again that failed for a time; what is left is done, not found or filtered out. */
  async #batch<R>(
    rows: readonly R[],
    send: (client: Client, rows: readonly R[]) => Promise<readonly BatchAnswer[]>,
  ): Promise<Outcome[]> {
    this.assertOpen();
    const outcomes: Outcome[] = [];
    const starts = Array.from({ length: Math.ceil(rows.length / MAX_ROWS) }, (_, at) => at * MAX_ROWS);
    const worker = async (): Promise<void> => {
      for (let start = starts.shift(); start !== undefined; start = starts.shift()) {
        await this.#part(rows, start, Math.min(start + MAX_ROWS, rows.length), send, outcomes);
      }
    };
    await Promise.all(Array.from({ length: Math.min(PARALLEL, starts.length) }, worker));
    return outcomes;
  }

  async #part<R>(
    rows: readonly R[],
    start: number,
    end: number,
    send: (client: Client, rows: readonly R[]) => Promise<readonly BatchAnswer[]>,
    outcomes: Outcome[],
  ): Promise<void> {
    const { display } = this.connection.address;
    let open = Array.from({ length: end - start }, (_, at) => start + at);
    await this.run(async (client) => {
      const answers = await send(
        client,
        open.map((at) => rows[at]!),
      );
      let temporary: number | undefined;
      open = open.filter((at, index) => {
        const { status, record } = answers[index]!;
        if (isTemporary(status)) {
          temporary = status;
          return true;
        }
        if (!SETTLED.has(status)) throw statusError(status, display);
        outcomes[at] = { status, bins: record?.bins };
        return false;
      });
      if (temporary !== undefined) throw statusError(temporary, display);
    });
  }
}

interface BatchAnswer {
  readonly status: number;
  readonly record?: { readonly bins?: Bins };
}

/** The client's own type of a status takes in more than the numbers that there are. */
const answersOf = async (answers: Promise<readonly unknown[]>): Promise<readonly BatchAnswer[]> =>
  (await answers) as readonly BatchAnswer[];

interface Outcome {
  readonly status: number;
  readonly bins: Bins | undefined;
}

const SETTLED: ReadonlySet<number> = new Set([STATUS.ok, STATUS.notFound, STATUS.filteredOut]);
