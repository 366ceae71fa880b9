import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import type { PurchaseFiles } from '@millrace/example-purchases';
import { seededRandom } from '@millrace/testkit';

/** A question to `/aggregates`, and what it filters by. */
export interface Question {
  readonly parameters: URLSearchParams;
  /** First minute of the range and the number of minutes, as DuckDB understands them. */
  readonly from: string;
  readonly minutes: number;
  readonly filters: readonly (readonly [column: string, value: string])[];
}

/** Answers what the platform is asked, from the Parquet file and by DuckDB alone. */
export class PurchaseOracle {
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  readonly #random = seededRandom(20_170_101);
  readonly #households: readonly string[];
  readonly count: number;

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection, households: string[], count: number) {
    this.#instance = instance;
    this.#connection = connection;
    this.#households = households;
    this.count = count;
  }

  /** `limit`: only the first so many purchases. */
  static async open(files: PurchaseFiles, limit: number | undefined): Promise<PurchaseOracle> {
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    await connection.run(`
      create table purchase as
        select
          transaction_timestamp as bought, p.file_row_number as line, household_id::varchar as household,
          store_id::varchar as origin, product_id, coalesce(manufacturer_id::varchar, '') as brand_id,
          coalesce(product_category, '') as category_id, round(sales_value * 100)::bigint as price
        from read_parquet('${files.transactions}', file_row_number = true) as p
        left join '${files.products}' using (product_id)
        order by bought, line ${limit === undefined ? '' : `limit ${limit}`}`);
    const households = await connection.runAndReadAll('select distinct household from purchase order by household');
    const count = await connection.runAndReadAll('select count(*) from purchase');
    return new PurchaseOracle(
      instance,
      connection,
      households.getRowsJson().map(([household]) => household as string),
      Number(count.getRowsJson()[0]?.[0]),
    );
  }

  close(): void {
    this.#connection.closeSync();
    this.#instance.closeSync();
  }

  /** So many different households, at random. */
  households(count: number): string[] {
    const rest = [...this.#households];
    const chosen: string[] = [];
    while (chosen.length < count && rest.length > 0) chosen.push(...rest.splice(this.#below(rest.length), 1));
    return chosen;
  }

  /** The newest purchases as the platform writes them, later ones of a second first. */
  async profile(household: string, limit: number): Promise<object[]> {
    const rows = await this.#query(
      `select strftime(bought, '%Y-%m-%dT%H:%M:%S.000Z'), origin, product_id::integer, brand_id, category_id, price::integer
       from purchase where household = $1 order by bought desc, line desc limit ${limit}`,
      [household],
    );
    return rows.map(([time, origin, product, brand, category, price]) => ({
      time,
      cookie: household,
      country: 'US',
      device: 'PC',
      action: 'BUY',
      origin,
      product_info: { product_id: product, brand_id: brand, category_id: category, price },
    }));
  }

  /** Ten minutes around a random purchase, filtered by a random choice of that purchase's fields. */
  async questions(count: number): Promise<Question[]> {
    const rows = await this.#query(
      `select strftime(date_trunc('minute', bought), '%Y-%m-%dT%H:%M:%S'), origin, brand_id, category_id
       from purchase order by hash(line) limit ${count}`,
      [],
    );
    return rows.map(([minute, origin, brand, category]) => {
      const all = [
        ['origin', String(origin)],
        ['brand_id', String(brand)],
        ['category_id', String(category)],
      ] as const;
      const filters = all.filter(() => this.#below(3) === 0);
      const from = String(minute);
      const to = new Date(Date.parse(`${from}Z`) + 600_000).toISOString().slice(0, 19);
      const parameters = new URLSearchParams({ time_range: `${from}_${to}`, action: 'BUY' });
      for (const [name, value] of filters) parameters.append(name, value);
      parameters.append('aggregates', 'SUM_PRICE');
      parameters.append('aggregates', 'COUNT');
      return { parameters, from, minutes: 10, filters };
    });
  }

  async answer(question: Question): Promise<object> {
    const conditions = question.filters.map(([column], index) => `and ${column} = $${index + 1}`).join(' ');
    const rows = await this.#query(
      `select strftime(minute, '%Y-%m-%dT%H:%M:%S'), coalesce(sum(price), 0)::varchar, count(price)::varchar
       from (select unnest(generate_series(timestamp '${question.from}',
               timestamp '${question.from}' + interval ${question.minutes - 1} minute, interval 1 minute)) as minute)
       left join purchase on date_trunc('minute', bought) = minute ${conditions}
       group by minute order by minute`,
      question.filters.map(([, value]) => value),
    );
    const values = question.filters.map(([, value]) => value);
    return {
      columns: ['1m_bucket', 'action', ...question.filters.map(([column]) => column), 'sum_price', 'count'],
      rows: rows.map(([minute, sum, count]) => [minute, 'BUY', ...values, sum, count]),
    };
  }

  /** A file with only the first so many lines. */
  async head(file: string, directory: string, lines: number): Promise<string> {
    const target = join(directory, 'purchases.ndjson');
    async function* firstLines(): AsyncGenerator<string> {
      let left = lines;
      for await (const line of createInterface({ input: createReadStream(file) })) {
        if (left-- === 0) return;
        yield `${line}\n`;
      }
    }
    await pipeline(firstLines, createWriteStream(target));
    return target;
  }

  async #query(sql: string, values: string[]): Promise<unknown[][]> {
    const result = await this.#connection.runAndReadAll(sql, values);
    return result.getRowsJson();
  }

  #below(bound: number): number {
    return Math.floor(this.#random() * bound);
  }
}
