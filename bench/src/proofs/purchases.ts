import { join } from 'node:path';
import { preparePurchases } from '@millrace/example-purchases';
import { caughtUp, runMillrace, startMillrace } from '@millrace/testkit';
import type { Proof, ProofContext } from '../proof.ts';
import { PurchaseOracle } from './purchases-oracle.ts';

const QUERIES = 100;

/** A year of real purchases replayed at full speed; profiles and aggregates equal what DuckDB computes from the file. */
export const proof: Proof = {
  name: 'purchases',
  title: 'real purchases: profiles and aggregates equal what DuckDB computes from the Parquet file',
  async run(context) {
    const files = await preparePurchases('.cache/purchases', context.log);
    const limit = context.size === 'full' ? undefined : 20_000;
    const oracle = await PurchaseOracle.open(files, limit);
    const dataDirectory = join(context.workDirectory, 'data');
    const platform = await startMillrace({ dataDirectory, arguments: ['--retention', '3y'] });
    try {
      const input = limit === undefined ? files.ndjson : await oracle.head(files.ndjson, context.workDirectory, limit);
      context.log(`replaying ${oracle.count} purchases`);
      const startedAt = performance.now();
      const replay = await runMillrace(['replay', input, '--data', dataDirectory, '--json']);
      if (replay.code !== 0) throw new Error(`replay ended with ${replay.code}: ${replay.stderr}`);
      const acknowledgedMs = performance.now() - startedAt;
      await caughtUp(platform.url);
      const processedMs = performance.now() - startedAt;
      const mismatches = [
        ...(await compareProfiles(platform.url, oracle, context)),
        ...(await compareAggregates(platform.url, oracle, context)),
      ];
      return {
        passed: mismatches.length === 0,
        figures: {
          purchases: oracle.count,
          'acknowledged per second': Math.round((oracle.count / acknowledgedMs) * 1000),
          'processed per second': Math.round((oracle.count / processedMs) * 1000),
          'profiles compared': QUERIES,
          'aggregates compared': QUERIES,
          mismatches: mismatches.length,
        },
        notes: mismatches.slice(0, 5),
      };
    } finally {
      await platform.stop();
      oracle.close();
    }
  },
};

async function compareProfiles(url: string, oracle: PurchaseOracle, context: ProofContext): Promise<string[]> {
  context.log(`comparing ${QUERIES} profiles`);
  const mismatches: string[] = [];
  for (const household of oracle.households(QUERIES)) {
    const query = `/user_profiles/${household}?time_range=1970-01-01T00:00:00_2100-01-01T00:00:00&limit=200`;
    const got = await post(url, query);
    const expected = JSON.stringify({ cookie: household, views: [], buys: await oracle.profile(household, 200) });
    if (got !== expected) mismatches.push(`${query}\n  expected ${cut(expected)}\n  got      ${cut(got)}`);
  }
  return mismatches;
}

async function compareAggregates(url: string, oracle: PurchaseOracle, context: ProofContext): Promise<string[]> {
  context.log(`comparing ${QUERIES} aggregates`);
  const mismatches: string[] = [];
  for (const question of await oracle.questions(QUERIES)) {
    const query = `/aggregates?${question.parameters.toString()}`;
    const got = await post(url, query);
    const expected = JSON.stringify(await oracle.answer(question));
    if (got !== expected) mismatches.push(`${query}\n  expected ${cut(expected)}\n  got      ${cut(got)}`);
  }
  return mismatches;
}

const cut = (text: string): string => (text.length > 600 ? `${text.slice(0, 600)}...` : text);

async function post(url: string, query: string): Promise<string> {
  const response = await fetch(new URL(query, url), { method: 'POST' });
  return response.text();
}
