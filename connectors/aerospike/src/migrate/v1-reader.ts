import { MillraceError } from '@millrace/core';

import { parseAerospikeUrl, plainAerospikeOptions } from '../address.ts';
import { type AerospikeConnection, connect } from '../client.ts';
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
}

/**
 * Reads what the original analytics platform keeps in Aerospike, without changing it.
 *
 * @example
 * const v1 = await openAerospikeV1('aerospike://localhost:3000/profiles', { bin: 'profile' });
 * for await (const { profiles, next } of v1.profiles(0)) console.log(next, profiles.length);
 */
export async function openAerospikeV1(url: string, options: { readonly bin: string }): Promise<AerospikeV1> {
  return new AerospikeV1(await connect(parseAerospikeUrl(url, plainAerospikeOptions).address), options.bin);
}

/** Made by {@link openAerospikeV1}. */
export class AerospikeV1 {
  readonly #connection: AerospikeConnection;
  readonly #bin: string;

  constructor(connection: AerospikeConnection, bin: string) {
    this.#connection = connection;
    this.#bin = bin;
  }

  /** All profiles, from this partition on. @throws UNAVAILABLE, REFUSED */
  async *profiles(from: number): AsyncGenerator<V1Step, void> {
    const { client, address } = this.#connection;
    for (let start = from; start < PARTITIONS; start += STEP) {
      const query = client.query(address.namespace, address.set ?? null);
      query.partitions(start, Math.min(STEP, PARTITIONS - start));
      const profiles: V1Profile[] = [];
      let unreadable = 0;
      try {
        for (const { bins } of await query.results()) {
          const profile = readV1Profile(bins[this.#bin]);
          if (profile === undefined) unreadable++;
          else profiles.push(profile);
        }
      } catch (error) {
        throw aerospikeError(error, address.display);
      }
      profiles.sort((a, b) => (a.cookie < b.cookie ? -1 : 1));
      yield { next: Math.min(start + STEP, PARTITIONS), profiles, unreadable };
    }
  }

  /**
   * What the aggregates say of these minutes, summed up over all origins, brands and categories.
   *
   * @param minutes epoch seconds of their begins
   * @throws UNAVAILABLE, REFUSED
   */
  async totals(minutes: readonly number[], namespace: string, bucketsPerKey: number): Promise<V1Totals> {
    const sum: V1Totals = { views: 0, viewsPrice: 0, buys: 0, buysPrice: 0 };
    for (let start = 0; start < minutes.length; start += READS) {
      await Promise.all(
        minutes.slice(start, start + READS).map(async (minute) => {
          const totals = await this.#totalsOf(minute, namespace, bucketsPerKey);
          for (const name of Object.keys(sum) as (keyof V1Totals)[]) sum[name] += totals?.[name] ?? 0;
        }),
      );
    }
    return sum;
  }

  async #totalsOf(minute: number, namespace: string, bucketsPerKey: number): Promise<V1Totals | undefined> {
    const { driver, client, address } = this.#connection;
    const { keySeconds, bin } = v1Place(minute, bucketsPerKey);
    // The original writes into no set.
    const key = new driver.Key(namespace, address.set, v1TotalsKey(keySeconds)) as Key;
    try {
      const { bins } = await client.select(key, [bin]);
      if (bins[bin] === undefined) return undefined;
      const totals = readV1Totals(bins[bin]);
      if (totals !== undefined) return totals;
    } catch (error) {
      if (failureOf(error)?.code === STATUS.notFound) return undefined;
      throw aerospikeError(error, address.display);
    }
    throw new MillraceError(
      'STATE_CORRUPT',
      `the bin ${bin} of ${v1TotalsKey(keySeconds)} in ${namespace} cannot be read`,
      {
        field: bin,
      },
    );
  }

  close(): void {
    this.#connection.close();
  }
}
