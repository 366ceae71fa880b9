import type { Offset } from '@millrace/core';

/** How far the state is behind the log. */
export interface Lag {
  /** Records that are durable and not applied. */
  readonly records: number;
  /** For how long the oldest of them has waited; exact to the time between two samples. */
  readonly ms: number;
}

/** In a long outage the samples are thinned evenly, so that the age stays exact to one part in half of this. */
const MAX_SAMPLES = 512;

/** Finds the age of an offset from samples of where the log's end was when. */
export class LagMeter {
  private samples: { readonly next: Offset; readonly at: number }[] = [];
  /** Samples closer together than this are not worth keeping. */
  private gapMs = 0;

  /**
   * @param next the end of what is durable
   * @param at now, milliseconds of a clock that only rises
   */
  sample(next: Offset, at: number): void {
    const [before, last] = this.samples.slice(-2);
    if (next <= (this.samples.at(-1)?.next ?? 0)) return;
    if (before !== undefined && last !== undefined && last.at - before.at < this.gapMs) this.samples.pop();
    this.samples.push({ next, at });
    if (this.samples.length <= MAX_SAMPLES) return;
    this.samples = this.samples.filter((_, index) => index % 2 === 0);
    this.gapMs = (2 * (at - this.samples[0]!.at)) / MAX_SAMPLES;
  }

  /** @param committed up to where the state is applied; never asked again for a lower one */
  lag(committed: Offset, at: number): Lag {
    const waiting = this.samples.findIndex(({ next }) => next > committed);
    if (waiting === -1) {
      this.samples.splice(0, this.samples.length - 1);
      this.gapMs = 0;
      return { records: 0, ms: 0 };
    }
    this.samples.splice(0, waiting);
    return { records: this.samples.at(-1)!.next - committed, ms: Math.round(at - this.samples[0]!.at) };
  }
}
