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
  /** Answers that were wrong when they had to be right, and right when the question was asked again at the end. */
  late = 0;
  /** Queries that a server could not answer, by status: that says nothing about the data. */
  readonly failed: Record<string, number> = {};
  /** Of those, the ones that are not asked again: what they asked for could not be compared. */
  uncompared = 0;
  private readonly freshnessMs: number;
  private readonly unsettled: Question[] = [];
  /** Wrong when they had to be right: whether late or wrong for good shows when they are asked again at the end. */
  private readonly doubted = new Map<Question, Mismatch>();
  private wrong = 0;
  private readonly shown: Mismatch[] = [];
  private readonly marks: Mark[] = [];
  private settledSize = 0;

  constructor(freshnessMs: number) {
    this.freshnessMs = freshnessMs;
  }

  /** With those that could not be asked again: nobody knows that they were late only. */
  get mismatches(): number {
    return this.wrong + this.doubted.size;
  }

  get examples(): readonly Mismatch[] {
    return [...this.shown, ...this.doubted.values()].slice(0, EXAMPLES);
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
    const expected = question.expected();
    const doubt = this.doubted.get(question);
    if (doubt === undefined) this.checked[question.kind]++;
    this.doubted.delete(question);
    if (status === 200 && sameJson(body, expected)) {
      if (doubt === undefined) return;
      this.late++;
      this.show({ ...doubt, late: true });
      return;
    }
    const got = status === 200 ? body : `status ${status}: ${body}`;
    const mismatch = { query: question.path, expected, got, late: false };
    if (status === 200 && !final && this.doubted.size < MAX_UNSETTLED) {
      this.doubted.set(question, mismatch);
      return;
    }
    this.wrong++;
    this.show(mismatch);
  }

  private show(mismatch: Mismatch): void {
    if (this.shown.length < EXAMPLES) this.shown.push(mismatch);
  }

  /** Whether there is room to ask again at the end. */
  private postpone(question: Question): boolean {
    if (this.unsettled.length >= MAX_UNSETTLED) return false;
    this.unsettled.push(question);
    return true;
  }

  /** What is to be asked again at the end. */
  takeUnsettled(): Question[] {
    return [...this.doubted.keys(), ...this.unsettled.splice(0)];
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
