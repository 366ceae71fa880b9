import { ACTIONS, CARDINALITIES, TagWriter, brandName, categoryName, originName } from './generator.ts';
import type { AggregatesQuestion, Oracle, ProfileQuestion } from './oracle.ts';
import type { Random } from './random.ts';

/** A query to the platform and what is known about its answer. */
export interface Question {
  readonly kind: 'profiles' | 'aggregates';
  readonly path: string;
  /** What the platform must answer, from what is acknowledged now. */
  expected(): string;
  /** Whether nothing that the answer depends on has changed since this moment (`performance.now()`). */
  settledSince(moment: number): boolean;
}

export interface Span {
  /** Event time of the run, milliseconds, [from, to), late tags included. */
  readonly from: number;
  readonly to: number;
}

/** Remembers when users and minutes were last written to, to tell which answers must be exact by now. */
export interface Changes {
  cookieSettledSince(cookie: number, moment: number): boolean;
  minutesSettledSince(from: number, to: number, moment: number): boolean;
}

export interface QuestionSources {
  readonly oracle: Oracle;
  readonly changes: Changes;
  readonly random: Random;
  readonly salt: string;
  readonly span: Span;
}

const MINUTE_MS = 60_000;
const MAX_MINUTES = 10;
const DEFAULT_LIMIT = 200;

/** Makes queries about what the run has written. */
export class Questioner {
  private readonly sources: QuestionSources;
  private readonly writer: TagWriter;

  constructor(sources: QuestionSources) {
    this.sources = sources;
    this.writer = new TagWriter(sources.salt);
  }

  /** About the user of one of the first `known` acknowledged tags: all of its time or a part, any limit. */
  profile(known: number): Question {
    const { oracle, random, span } = this.sources;
    const { cookie, time } = oracle.at(random.below(known));
    const whole = random.next() < 0.7;
    const question: ProfileQuestion = {
      cookie,
      from: whole ? span.from : time - random.below(MINUTE_MS * MAX_MINUTES),
      to: whole ? span.to : time + random.below(MINUTE_MS),
      limit: random.next() < 0.7 ? DEFAULT_LIMIT : random.below(DEFAULT_LIMIT),
    };
    return this.profileQuestion(question);
  }

  /** About up to ten of the minutes that the run has reached, with any filters. */
  aggregates(reached: number): Question {
    const { random, span } = this.sources;
    const first = Math.floor(span.from / MINUTE_MS);
    const minutes = Math.max(1, Math.ceil((reached - first * MINUTE_MS) / MINUTE_MS));
    const end = first + 1 + random.below(minutes);
    const length = 1 + random.below(Math.min(MAX_MINUTES, end - first));
    const one = (bound: number): number | undefined => (random.next() < 0.5 ? random.below(bound) : undefined);
    const both = random.next() < 0.5 ? (['COUNT', 'SUM_PRICE'] as const) : (['SUM_PRICE', 'COUNT'] as const);
    return this.aggregatesQuestion({
      from: (end - length) * MINUTE_MS,
      to: end * MINUTE_MS,
      action: random.below(ACTIONS.length),
      origin: one(CARDINALITIES.origins),
      brand: one(CARDINALITIES.brands),
      category: one(CARDINALITIES.categories),
      aggregates: random.next() < 0.6 ? both : both.slice(0, 1),
    });
  }

  /** Every minute of the run without a filter: together they count every acknowledged tag exactly once. */
  totals(): Question[] {
    const { span } = this.sources;
    const questions: Question[] = [];
    const end = Math.ceil(span.to / MINUTE_MS) * MINUTE_MS;
    for (let from = Math.floor(span.from / MINUTE_MS) * MINUTE_MS; from < end; from += MAX_MINUTES * MINUTE_MS) {
      const to = Math.min(from + MAX_MINUTES * MINUTE_MS, end);
      for (const action of ACTIONS.keys()) {
        const none = { origin: undefined, brand: undefined, category: undefined };
        questions.push(this.aggregatesQuestion({ from, to, action, ...none, aggregates: ['COUNT', 'SUM_PRICE'] }));
      }
    }
    return questions;
  }

  private profileQuestion(question: ProfileQuestion): Question {
    const { oracle, changes } = this.sources;
    const { cookie, from, to, limit } = question;
    const limited = limit === DEFAULT_LIMIT ? '' : `&limit=${limit}`;
    return {
      kind: 'profiles',
      path: `/user_profiles/${this.writer.cookie(cookie)}?time_range=${localTime(from)}_${localTime(to)}${limited}`,
      expected: () => oracle.profile(question),
      settledSince: (moment) => changes.cookieSettledSince(cookie, moment),
    };
  }

  private aggregatesQuestion(question: AggregatesQuestion): Question {
    const { oracle, changes } = this.sources;
    const { from, to, action, origin, brand, category, aggregates } = question;
    const range = `${localTime(from).slice(0, 19)}_${localTime(to).slice(0, 19)}`;
    const parameters = [
      `time_range=${range}&action=${ACTIONS[action]}`,
      ...(origin === undefined ? [] : [`origin=${originName(origin)}`]),
      ...(brand === undefined ? [] : [`brand_id=${brandName(brand)}`]),
      ...(category === undefined ? [] : [`category_id=${categoryName(category)}`]),
      ...aggregates.map((name) => `aggregates=${name}`),
    ];
    return {
      kind: 'aggregates',
      path: `/aggregates?${parameters.join('&')}`,
      expected: () => oracle.aggregates(question),
      settledSince: (moment) => changes.minutesSettledSince(from, to, moment),
    };
  }
}

const localTime = (ms: number): string => new Date(ms).toISOString().slice(0, -1);
