import { build } from 'hdr-histogram-js';

/** A difference between an answer and what it had to be. */
export interface Mismatch {
  readonly query: string;
  readonly expected: string;
  readonly got: string;
  /** Whether the answer was right when the question was asked again at the end. */
  readonly late: boolean;
}

/** Milliseconds. */
export interface Latencies {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export interface LoadReport {
  /** Every answer could be compared and was right, every tag was taken, and no connection was lost. */
  readonly passed: boolean;
  readonly url: string;
  readonly seed: number;
  /** Event times of the run: ISO 8601, [from, to). */
  readonly from: string;
  readonly to: string;
  readonly tags: {
    readonly sent: number;
    readonly acknowledged: number;
    /** Without an answer at the end of the run: whether they are stored is in doubt. */
    readonly unanswered: number;
    /** How many tags were answered with another status than 204, by status. */
    readonly refused: Readonly<Record<string, number>>;
    readonly perSecond: number;
  };
  readonly seconds: number;
  /** From the last acknowledgement until the processor had caught up. */
  readonly catchUpMs: number;
  readonly latencyMs: { readonly tags: Latencies; readonly profiles: Latencies; readonly aggregates: Latencies };
  /** Answers compared with the oracle, while tags were flowing and afterwards. */
  readonly checked: { readonly profiles: number; readonly aggregates: number };
  /** Answers other than they had to be, at the end too where they could be asked for again. */
  readonly mismatches: number;
  /** Answers without what had been acknowledged for `--freshness`, and right at the end. */
  readonly late: number;
  /** How many queries were answered with a status of 500 or above, by status. They are asked again at the end. */
  readonly failedQueries: Readonly<Record<string, number>>;
  /** Questions that were not answered at the end either: nothing is known about those. */
  readonly uncompared: number;
  /** The first ten of both. */
  readonly examples: readonly Mismatch[];
  /** Why the run ended early. */
  readonly interrupted?: string;
}

const MICROSECONDS = 1000;
const HIGHEST = 60 * 60 * 1000 * MICROSECONDS;

/** Latencies with three significant digits. */
export class LatencyRecorder {
  private readonly histogram = build({ highestTrackableValue: HIGHEST, numberOfSignificantValueDigits: 3 });

  record(ms: number): void {
    this.histogram.recordValue(Math.min(Math.max(1, Math.round(ms * MICROSECONDS)), HIGHEST));
  }

  get count(): number {
    return this.histogram.totalCount;
  }

  summary(): Latencies {
    const at = (percentile: number): number => this.histogram.getValueAtPercentile(percentile) / MICROSECONDS;
    const max = this.count === 0 ? 0 : this.histogram.maxValue / MICROSECONDS;
    return { count: this.count, p50: at(50), p90: at(90), p99: at(99), p999: at(99.9), max };
  }
}
