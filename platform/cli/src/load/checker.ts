import type { Question } from './questions.ts';
import type { Mismatch } from './report.ts';
import { LatencyRecorder } from './report.ts';

const EXAMPLES = 10;
/** Questions to ask again at the end; more are let go. */
const MAX_UNSETTLED = 20_000;

export interface CheckedAnswer {
  readonly status: number;
  readonly body: string;
  /** `performance.now()` when the query was sent. */
  readonly askedAt: number;
  /** Everything is applied: the answer must be exact whatever has changed lately. */
  readonly final: boolean;
}

interface Mark {
  readonly at: number;
  readonly size: number;
}

/** Compares answers with the oracle's, as far as they must be exact already. */
export class Checker {
  readonly latencies = { profiles: new LatencyRecorder(), aggregates: new LatencyRecorder() };
  readonly checked = { profiles: 0, aggregates: 0 };
  readonly examples: Mismatch[] = [];
  mismatches = 0;
  /** Queries that a server could not answer, by status: that says nothing about the data. */
  readonly failed: Record<string, number> = {};
  /** Of those, the ones that are not asked again: what they asked for could not be compared. */
  uncompared = 0;
  private readonly freshnessMs: number;
  private readonly unsettled: Question[] = [];
  private readonly marks: Mark[] = [];
  private settledSize = 0;

  constructor(freshnessMs: number) {
    this.freshnessMs = freshnessMs;
  }

  /** Notes how many tags are acknowledged by now. */
  mark(size: number): void {
    const now = performance.now();
    this.marks.push({ at: now, size });
    while (this.marks[0] !== undefined && this.marks[0].at <= now - this.freshnessMs) {
      this.settledSize = this.marks.shift()!.size;
    }
  }

  /** How many of the first tags must be visible by now; of `size` acknowledged ones. */
  settled(size: number): number {
    return Math.min(this.settledSize, size);
  }

  record(kind: Question['kind'], ms: number): void {
    this.latencies[kind].record(ms);
  }

  check(question: Question, { status, body, askedAt, final }: CheckedAnswer): void {
    if (status >= 500) {
      this.failed[status] = (this.failed[status] ?? 0) + 1;
      if (final || !this.postpone(question)) this.uncompared++;
      return;
    }
    if (status === 200 && !final && !question.settledSince(askedAt - this.freshnessMs)) {
      this.postpone(question);
      return;
    }
    this.checked[question.kind]++;
    const expected = question.expected();
    if (status === 200 && sameJson(body, expected)) return;
    this.mismatches++;
    if (this.examples.length < EXAMPLES) {
      const got = status === 200 ? body : `status ${status}: ${body}`;
      this.examples.push({ query: question.path, expected, got });
    }
  }

  /** Whether there is room to ask again at the end. */
  private postpone(question: Question): boolean {
    if (this.unsettled.length >= MAX_UNSETTLED) return false;
    this.unsettled.push(question);
    return true;
  }

  takeUnsettled(): Question[] {
    return this.unsettled.splice(0);
  }
}

/** Blanks between tokens are no difference; the order of fields is. */
function sameJson(got: string, expected: string): boolean {
  if (got === expected) return true;
  try {
    return JSON.stringify(JSON.parse(got)) === expected;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}
