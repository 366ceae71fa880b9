import type { StateReader, StateSchema } from '../state-store.ts';

import { decodeChunk, encodeChunk } from './columns.ts';
import { newDictionaries } from './dictionary.ts';
import { type Filter, KIND_COLUMN, type RollupPlan } from './rollup-plan.ts';
import { RollupScan } from './rollup-scan.ts';
import { MINUTE_MS } from './time.ts';

/** How much of the newest rollups a reader loads ahead of the first queries. */
export const WARM_MINUTES = 15;

const ROWS = 4096;
const ROUNDS = 60;

/** Asks what the first queries will ask. `minutes` are the newest that exist, ascending. */
export async function warmUpQueries(
  reader: Pick<StateReader, 'rollup' | 'timeline'>,
  minutes: readonly number[],
): Promise<void> {
  const last = minutes.at(-1);
  if (last === undefined) return;
  const from = Math.max(minutes[0]!, last - WARM_MINUTES + 1) * MINUTE_MS;
  await reader.rollup({ from, to: (last + 1) * MINUTE_MS, where: {}, groupBy: [], limit: 1 });
  await reader.timeline('', { kind: 0, from: 0, to: Infinity, limit: 1 });
}

/**
 * Runs the loops of a rollup query over made-up columns of every width until the engine has compiled them, which would
 * otherwise happen in the first queries. Some 20 ms.
 */
export function compileScans(schema: StateSchema): void {
  const dictionaries = newDictionaries(schema);
  for (const dictionary of dictionaries) for (let id = 0; id < 200; id++) dictionary?.intern(String(id));
  const count = 1 + schema.dimensions.length + schema.measures.length;
  const selection = new Uint32Array(ROWS);
  for (let round = 0; round < ROUNDS; round++) {
    // Widths 1, 2 and 4 in turn; dictionary ids stay in the first 200.
    const spread = [200, 60_000, 2 ** 31][round % 3]!;
    const numbers = Int32Array.from({ length: ROWS }, (_, row) => (row * 2_654_435_761) % spread);
    const small = numbers.map((number) => Math.abs(number % 200));
    const columns = Array.from({ length: count }, (_, at) => ({
      numbers:
        at === KIND_COLUMN ? small.map((number) => number & 1) : dictionaries[at - 1] === undefined ? numbers : small,
    }));
    const chunk = decodeChunk(encodeChunk(ROWS, columns), count);
    for (const plan of plans(count, round % 3 === 0)) {
      const scan = new RollupScan(plan, schema, dictionaries, selection);
      scan.startMinute(0);
      scan.add(chunk);
      scan.result();
    }
  }
}

function plans(columns: number, grouped: boolean): RollupPlan[] {
  const base = { from: 0, to: 1, filters: [], groupBy: [], limit: 100 };
  const last = columns - 1;
  const all: RollupPlan[] = [
    base,
    { ...base, filters: [filter(KIND_COLUMN, 1)] },
    { ...base, filters: [filter(last, 7)] },
    { ...base, filters: [filter(Math.min(1, last), 7), filter(KIND_COLUMN, 1)] },
    { ...base, filters: [filter(KIND_COLUMN, 0, 1), filter(last, 7)] },
  ];
  if (grouped) all.push({ ...base, groupBy: [KIND_COLUMN] });
  return all;
}

const filter = (column: number, ...numbers: number[]): Filter => ({
  column,
  texts: new Set<string>(),
  numbers: new Set(numbers),
});
