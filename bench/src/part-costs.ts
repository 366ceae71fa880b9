import { readProcessStats } from './process-stats.ts';

/** The processes of a platform, by part. */
export type Parts<P extends string> = Readonly<Record<P, readonly { readonly pid: number }[]>>;

/** CPU time of each part, microseconds; NaN for one whose processes are not known. */
export type PartCosts<P extends string> = Readonly<Record<P, number>>;

/** What each part has used since its processes started. */
export async function cpuOfParts<P extends string>(parts: Parts<P>): Promise<PartCosts<P>> {
  const names = Object.keys(parts) as P[];
  const used = await Promise.all(names.map((name) => cpuOf(parts[name])));
  return Object.fromEntries(names.map((name, at) => [name, used[at]!])) as PartCosts<P>;
}

/** What each part has used from one look to the next, for each of so many tags. */
export function costsPerTag<P extends string>(before: PartCosts<P>, after: PartCosts<P>, tags: number): PartCosts<P> {
  const names = Object.keys(before) as P[];
  return Object.fromEntries(names.map((name) => [name, (after[name] - before[name]) / tags])) as PartCosts<P>;
}

async function cpuOf(processes: readonly { readonly pid: number }[]): Promise<number> {
  if (processes.length === 0) return NaN;
  const stats = await Promise.all(processes.map(({ pid }) => readProcessStats(pid)));
  return stats.reduce((sum, { cpuUs }) => sum + cpuUs, 0);
}
