import type { ChunkReference, Directory } from './directory.ts';

/** So many chunks of one tier are merged into one of the next: a row is rewritten once per tier. */
export const FAN = 16;
/** Merged chunks have at most so many rows, which bounds a merge to some milliseconds. */
export const MAX_ROWS = 131_072;
/** A minute without new rows for so long, in append time, is merged once more. */
const QUIET_MS = 10_000;
/** Above so many watched minutes the one that waits longest goes first. */
const MAX_WATCHED = 4096;

/** The chunks to merge because a tier is full; fewer than two: none. */
export function fullTier(directory: Directory): readonly ChunkReference[] {
  const byTier = new Map<number, ChunkReference[]>();
  for (const chunk of directory) {
    const tier = byTier.get(chunk.tier);
    if (tier === undefined) byTier.set(chunk.tier, [chunk]);
    else tier.push(chunk);
  }
  for (const chunks of byTier.values()) {
    if (chunks.length >= FAN) return fitting(chunks);
  }
  return [];
}

/**
 * The chunks to merge in a minute that is over: all, but a chunk that outweighs the others by far is left alone, so
 * that a few late rows do not have a whole minute rewritten.
 */
export function remainder(directory: Directory): readonly ChunkReference[] {
  const largest = directory.reduce((most, chunk) => Math.max(most, chunk.rows), 0);
  const rows = directory.reduce((sum, chunk) => sum + chunk.rows, 0);
  const rest = directory.filter((chunk) => chunk.rows < largest);
  return fitting(largest > 4 * (rows - largest) ? rest : directory);
}

function fitting(chunks: readonly ChunkReference[]): readonly ChunkReference[] {
  const chosen: ChunkReference[] = [];
  let rows = 0;
  for (const chunk of chunks) {
    if (rows + chunk.rows > MAX_ROWS) continue;
    chosen.push(chunk);
    rows += chunk.rows;
  }
  return chosen.length < 2 ? [] : chosen;
}

/** Which minutes are worth merging: once when the event clock has passed them, and again when they are quiet. */
export class CompactionQueue {
  readonly #watched = new Map<number, { touchedAt: number; passed: boolean }>();
  readonly #due = new Set<number>();
  #clockMinute = -1;

  /** The minute has new rows. */
  touch(minute: number, appendedAt: number): void {
    const passed = this.#watched.get(minute)?.passed ?? false;
    // Deleted first, because a map keeps the order of insertion: the longest quiet minute comes first.
    this.#watched.delete(minute);
    this.#watched.set(minute, { touchedAt: appendedAt, passed });
  }

  forget(minute: number): void {
    this.#watched.delete(minute);
    this.#due.delete(minute);
  }

  /** Minutes to merge now, until the caller stops. */
  *take(clockMinute: number, appendedAt: number): Generator<number> {
    this.#collect(clockMinute, appendedAt);
    for (const minute of this.#due) {
      this.#due.delete(minute);
      yield minute;
    }
  }

  #collect(clockMinute: number, appendedAt: number): void {
    if (clockMinute > this.#clockMinute) {
      this.#clockMinute = clockMinute;
      for (const [minute, watched] of this.#watched) {
        if (watched.passed || minute >= clockMinute) continue;
        watched.passed = true;
        this.#due.add(minute);
      }
    }
    for (const [minute, { touchedAt }] of this.#watched) {
      if (this.#watched.size <= MAX_WATCHED && touchedAt + QUIET_MS > appendedAt) return;
      this.#watched.delete(minute);
      this.#due.add(minute);
    }
  }
}
