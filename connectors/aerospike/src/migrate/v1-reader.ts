import { MillraceError } from '@millrace/core';

import { parseAerospikeUrl } from '../address.ts';
import { type AerospikeConnection, connect } from '../client.ts';
import { plainAerospikeOptions } from '../connection-options.ts';
import { aerospikeError, failureOf, STATUS } from '../errors.ts';
import type { Key } from '../records.ts';
import { readV1Profile, readV1Totals, type V1Profile, type V1Totals, v1Place, v1TotalsKey } from './v1-layout.ts';

/** Partitions of any namespace. */
export const PARTITIONS = 4096;
/** Profiles of so many partitions are held at a time. */
const STEP = 16;
const READS = 100;

export interface V1Step {
  /** All partitions below are done. */
  readonly next: number;
  /** By cookie, so that the same data gives the same step again. */
  readonly profiles: readonly V1Profile[];
  /** Records whose bin is missing or cannot be read. */
  readonly unreadable: number;
  /** Tags that cannot be read, in profiles that can. */
  readonly damagedTags: number;
  /** Says of each record and tag which it is, and what is wrong with it. */
  readonly problems: readonly MillraceError[];
}

export interface V1Options {
  /** Of the profiles. */
  readonly bin: string;
  /** Of the aggregates. */
  readonly aggregatesNamespace: string;
  /** Minutes per record of the aggregates. */
  readonly bucketsPerKey: number;
}

/** Totals of minutes, and the records of which they could not be read. */
export interface V1Sum {
  readonly totals: V1Totals;
  readonly problems: readonly MillraceError[];
}

/**
 * Reads what the original analytics platform keeps in Aerospike, without changing it.
 *
 * @example
 * const options = { bin: 'profile', aggregatesNamespace: 'aggregates', bucketsPerKey: 60 };
 * const v1 = await openAerospikeV1('aerospike://localhost:3000/profiles', options);
 * for await (const { profiles, next } of v1.profiles(0)) console.log(next, profiles.length);
 *
 * @throws INVALID_OPTION, UNKNOWN_OPTION, CONNECTOR_NOT_INSTALLED, UNAVAILABLE, UNAUTHORIZED; REFUSED for a namespace that
 *   there is not
 */
export async function openAerospikeV1(url: string, options: V1Options): Promise<AerospikeV1> {
  const { address } = parseAerospikeUrl(url, plainAerospikeOptions);
  const namespaces = [...new Set([address.namespace, options.aggregatesNamespace])];
  return new AerospikeV1(await connect(address, { namespaces }), options);
}

/** Made by {@link openAerospikeV1}. */
export class AerospikeV1 {
  readonly #connection: AerospikeConnection;
  readonly #options: V1Options;

  constructor(connection: AerospikeConnection, options: V1Options) {
    this.#connection = connection;
    this.#options = options;
  }

  /** All profiles, from this partition on. @throws UNAVAILABLE, REFUSED */
  async *profiles(from: number): AsyncGenerator<V1Step, void> {
    const { client, address } = this.#connection;
    for (let start = from; start < PARTITIONS; start += STEP) {
      const query = client.query(address.namespace, address.set ?? null);
      query.partitions(start, Math.min(STEP, PARTITIONS - start));
      const profiles: V1Profile[] = [];
      const problems: MillraceError[] = [];
      let unreadable = 0;
      try {
        for (const record of await query.results()) {
          // A query without a set gives the records of all sets, such as those of a new state in the same namespace.
          if ((record.key.set ?? '') !== (address.set ?? '')) continue;
          const found = readV1Profile(record.bins[this.#options.bin]);
          if (found === undefined) {
            unreadable++;
            problems.push(this.#unreadable(digestOf(record.key), 'it holds no profile'));
          } else {
            profiles.push(found.profile);
            for (const problem of found.damaged) problems.push(this.#unreadable(found.profile.cookie, problem));
          }
        }
      } catch (error) {
        throw aerospikeError(error, address.display);
      }
      profiles.sort((a, b) => (a.cookie < b.cookie ? -1 : 1));
      const damagedTags = problems.length - unreadable;
      yield { next: Math.min(start + STEP, PARTITIONS), profiles, unreadable, damagedTags, problems };
    }
  }

  /**
   * What the aggregates say of these minutes, summed up over all origins, brands and categories.
   *
   * @param minutes epoch seconds of their begins
   * @throws UNAVAILABLE, REFUSED
   */
  async totals(minutes: readonly number[]): Promise<V1Sum> {
    const totals: V1Totals = { views: 0, viewsPrice: 0, buys: 0, buysPrice: 0 };
    const problems: MillraceError[] = [];
    for (let start = 0; start < minutes.length; start += READS) {
      const found = await Promise.all(minutes.slice(start, start + READS).map((minute) => this.#totalsOf(minute)));
      for (const one of found) {
        if (one instanceof MillraceError) problems.push(one);
        else for (const name of Object.keys(totals) as (keyof V1Totals)[]) totals[name] += one?.[name] ?? 0;
      }
    }
    return { totals, problems };
  }

  async #totalsOf(minute: number): Promise<V1Totals | MillraceError | undefined> {
    const { driver, client, address } = this.#connection;
    const { aggregatesNamespace: namespace, bucketsPerKey } = this.#options;
    const { keySeconds, bin } = v1Place(minute, bucketsPerKey);
    const name = v1TotalsKey(keySeconds);
    // The original writes into no set.
    const key = new driver.Key(namespace, address.set, name) as Key;
    try {
      const { bins } = await client.select(key, [bin]);
      if (bins[bin] === undefined) return undefined;
      return readV1Totals(bins[bin]) ?? unreadable(namespace, name, bin, 'it holds no totals');
    } catch (error) {
      if (failureOf(error)?.code === STATUS.notFound) return undefined;
      throw aerospikeError(error, address.display);
    }
  }

  #unreadable(record: string, problem: string): MillraceError {
    return unreadable(this.#connection.address.namespace, record, this.#options.bin, problem);
  }

  close(): void {
    this.#connection.close();
  }
}

/** The original stores no keys with its records. */
const digestOf = (key: { readonly digest?: unknown }): string =>
  Buffer.isBuffer(key.digest) ? `digest ${key.digest.toString('hex')}` : 'without a digest';

const unreadable = (namespace: string, record: string, bin: string, problem: string): MillraceError =>
  new MillraceError(
    'RECORD_UNREADABLE',
    `the bin "${bin}" of the record ${record} in ${namespace} cannot be moved whole: ${problem}. Look at it with aql; ` +
      'everything else is moved',
    { field: bin, value: record },
  );
