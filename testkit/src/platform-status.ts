import { setTimeout as sleep } from 'node:timers/promises';
import type { Query } from './tag-oracle.ts';

/** What `/admin/status` says, as far as tests and benchmarks look at it. */
export interface PlatformFigures {
  readonly applied: number;
  readonly accepted: number;
  /** At the time of asking: tags that were acknowledged before are in it. */
  readonly lag: { readonly records: number; readonly ms: number };
}

const STALLED_AFTER_MS = 60_000;

/** Queries by GET, which must be answered 200. */
export const queryOf =
  (url: string): Query =>
  async (path) => {
    const response = await fetch(new URL(path, url));
    const body = await response.text();
    if (response.status !== 200) throw new Error(`GET ${path}: ${response.status} ${body}`);
    return JSON.parse(body);
  };

export const platformFigures = async (url: string): Promise<PlatformFigures> =>
  (await queryOf(url)('/admin/status')) as PlatformFigures;

/** Resolves when the state has all that was acknowledged before. @throws an Error when nothing is applied for a minute */
export async function caughtUp(url: string, signal?: AbortSignal): Promise<PlatformFigures> {
  let fewest = Number.POSITIVE_INFINITY;
  let movedAt = performance.now();
  for (;;) {
    const figures = await platformFigures(url);
    const { records } = figures.lag;
    if (records === 0) return figures;
    if (records < fewest) movedAt = performance.now();
    fewest = Math.min(fewest, records);
    if (performance.now() - movedAt > STALLED_AFTER_MS) throw new Error(`${records} records are not being processed`);
    await sleep(20, undefined, { signal });
  }
}
