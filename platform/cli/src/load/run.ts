import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError } from '@millrace/core';
import type { PlatformClient } from '../platform-client.ts';
import { readStatus } from '../status.ts';
import { ChangeTracker } from './changes.ts';
import { Checker } from './checker.ts';
import type { GeneratedTag } from './generator.ts';
import { MAX_LATE_MS, TagGenerator, TagWriter } from './generator.ts';
import { Lanes } from './lanes.ts';
import { Oracle } from './oracle.ts';
import { Pacer } from './pacer.ts';
import { Questioner } from './questions.ts';
import type { Question } from './questions.ts';
import { Random } from './random.ts';
import { LatencyRecorder } from './report.ts';
import type { LoadReport } from './report.ts';
import { chooseStart } from './start-time.ts';

export interface LoadOptions {
  /** Tags per second; 0 is as fast as the platform takes them. */
  readonly rate: number;
  readonly count: number;
  readonly connections: number;
  readonly seed: number;
  /** Share of late tags, and of ties, 0 to 1. */
  readonly late: number;
  readonly ties: number;
  readonly cookies: number;
  /** Views, and as many buys, that the platform keeps per user. */
  readonly keep: number;
  /** How old what an answer depends on must be for the answer to have to be exact, milliseconds. */
  readonly freshnessMs: number;
  /** Event time of the first tag, milliseconds since the epoch; undefined finds one. */
  readonly start: number | undefined;
  /** Leave the queries out. */
  readonly tagsOnly: boolean;
}

export interface LoadProgress {
  readonly phase: 'sending' | 'catching up' | 'checking';
  readonly done: number;
  readonly total: number;
  readonly perSecond: number;
  readonly mismatches: number;
}

export interface LoadReporter {
  /** Called several times a second. */
  progress(progress: LoadProgress): void;
}

/** The proportions of the public test platform for this interface (RTB House, 2022). */
const TAGS_PER_PROFILE = 10;
const TAGS_PER_AGGREGATES = 1000;
const QUERY_CONNECTIONS = 4;
const PROGRESS_EVERY_MS = 200;
const CATCH_UP_LIMIT_MS = 120_000;
const FINAL_PROFILES = 1000;
const FINAL_AGGREGATES = 100;

/**
 * Sends generated tags and queries to a running platform and checks every answer that must be exact: those about what
 * has not changed lately while tags are flowing, and all of them again at the end.
 *
 * @throws NOT_RUNNING when the platform cannot be reached; UNAUTHORIZED when it does not tell its lag; INVALID_OPTION for a --start that is taken
 */
export async function runLoad(
  platform: PlatformClient,
  options: LoadOptions,
  reporter: LoadReporter,
  signal: AbortSignal,
): Promise<LoadReport> {
  // Needed at the end, and refused without a token: whoever lacks one learns it before the run.
  await readStatus(platform);
  const start = await chooseStart(platform, options, Date.now());
  const run = new LoadRun(platform, { ...options, start }, reporter, signal);
  return run.run();
}

class LoadRun {
  private readonly platform: PlatformClient;
  private readonly options: LoadOptions & { readonly start: number };
  private readonly reporter: LoadReporter;
  private readonly signal: AbortSignal;
  private readonly generator: TagGenerator;
  private readonly writer: TagWriter;
  private readonly oracle: Oracle;
  private readonly changes: ChangeTracker;
  private readonly questioner: Questioner;
  private readonly checker: Checker;
  private readonly pacer: Pacer;
  private readonly tags: Lanes;
  private readonly queries: Lanes;
  private readonly tagHead: string;
  private readonly host: string;
  private readonly tagLatency = new LatencyRecorder();
  private readonly refused: Record<string, number> = {};
  private readonly finished = Promise.withResolvers<void>();
  private readonly random: Random;
  private next: GeneratedTag | undefined;
  private generated = 0;
  private sent = 0;
  private failure: string | undefined;

  constructor(
    platform: PlatformClient,
    options: LoadOptions & { readonly start: number },
    reporter: LoadReporter,
    signal: AbortSignal,
  ) {
    const { start, count, seed, cookies, keep, late, rate } = options;
    this.platform = platform;
    this.options = options;
    this.reporter = reporter;
    this.signal = signal;
    this.random = new Random(seed ^ 0x5ca1ab1e);
    this.generator = new TagGenerator(options);
    const { salt } = this.generator;
    this.writer = new TagWriter(salt);
    this.oracle = new Oracle({ salt, cookies, keep });
    this.changes = new ChangeTracker(cookies);
    const span = { from: late > 0 ? start - MAX_LATE_MS : start, to: start + count };
    const { oracle, changes, random } = this;
    this.questioner = new Questioner({ oracle, changes, random, salt, span });
    this.checker = new Checker(options.freshnessMs);
    this.pacer = new Pacer(rate);
    const url = new URL(platform.url);
    const shared = {
      paced: rate > 0,
      onFree: () => this.pump(),
      onLost: (error: MillraceError) => this.end(error.message),
    };
    this.tags = new Lanes(url, { ...shared, count: options.connections });
    this.queries = new Lanes(url, { ...shared, count: QUERY_CONNECTIONS });
    this.host = `host: ${url.host}\r\n`;
    this.tagHead = `POST /user_tags HTTP/1.1\r\n${this.host}content-type: application/json\r\ncontent-length: `;
  }

  async run(): Promise<LoadReport> {
    const ticking = setInterval(() => this.tick(), PROGRESS_EVERY_MS);
    const onAbort = (): void => this.end('stopped by the user');
    this.signal.addEventListener('abort', onAbort, { once: true });
    try {
      const startedAt = performance.now();
      this.pacer.start(() => this.pump());
      await this.finished.promise;
      if (this.failure !== undefined) await Promise.all([this.tags.end(), this.queries.end()]);
      const seconds = (performance.now() - startedAt) / 1000;
      const caughtUpFrom = performance.now();
      if (this.failure === undefined) await this.caughtUp();
      const catchUpMs = Math.round(performance.now() - caughtUpFrom);
      if (this.failure === undefined) await this.checkAll();
      return this.report(seconds, catchUpMs);
    } finally {
      this.pacer.stop();
      clearInterval(ticking);
      this.signal.removeEventListener('abort', onAbort);
      this.tags.close();
      this.queries.close();
    }
  }

  /** Ends the run where it is: there is nothing more to wait for, and what is on its way stays in doubt. */
  private end(reason: string): void {
    this.failure ??= reason;
    this.finished.resolve();
  }

  /** Sends all that is due and has room. */
  private pump(): void {
    const { count, connections, tagsOnly } = this.options;
    while (this.failure === undefined && this.generated < count && this.pacer.due(this.generated)) {
      this.next ??= this.generator.next();
      // One connection for all tags of a user keeps them in order, which ties need.
      const lane = this.next.cookie % connections;
      if (!this.tags.hasRoom(lane)) return;
      const asks = !tagsOnly && this.oracle.size > 0 && (this.generated + 1) % TAGS_PER_PROFILE === 0;
      if (asks && !this.queries.hasRoom(this.queries.shortest())) return;
      this.sendTag(lane, this.next);
      this.next = undefined;
      this.generated++;
      if (!asks) continue;
      const known = this.checker.settled(this.oracle.size);
      this.ask(this.questioner.profile(known > 0 ? known : this.oracle.size));
      if (this.generated % TAGS_PER_AGGREGATES === 0) {
        this.ask(this.questioner.aggregates(this.options.start + this.generated));
      }
    }
    if (this.generated >= count && this.tags.idle && this.queries.idle) this.finished.resolve();
  }

  private sendTag(lane: number, tag: GeneratedTag): void {
    this.tags.push(lane, {
      text: () => {
        const body = this.writer.body(tag);
        return `${this.tagHead}${body.length}\r\n\r\n${body}`;
      },
      onSend: () => {
        this.sent++;
        this.changes.sent(tag);
      },
      onAnswer: (status, _body, ms) => {
        this.changes.answered(tag, performance.now());
        this.tagLatency.record(ms);
        if (status === 204) this.oracle.add(tag);
        else this.refused[status] = (this.refused[status] ?? 0) + 1;
      },
    });
  }

  private ask(question: Question, final = false): void {
    let askedAt = 0;
    this.queries.push(this.queries.shortest(), {
      text: () => `POST ${question.path} HTTP/1.1\r\n${this.host}content-length: 0\r\n\r\n`,
      onSend: () => (askedAt = performance.now()),
      onAnswer: (status, body, ms) => {
        if (!final) this.checker.record(question.kind, ms);
        this.checker.check(question, { status, body, askedAt, final });
      },
    });
  }

  /** Until the processor has applied everything. */
  private async caughtUp(): Promise<void> {
    const since = performance.now();
    while (this.failure === undefined) {
      const { lag } = await readStatus(this.platform);
      if (lag.records === 0) return;
      if (performance.now() - since > CATCH_UP_LIMIT_MS) {
        throw new MillraceError('TIMEOUT', `the processor is still ${lag.records} tags behind after two minutes`);
      }
      this.show('catching up');
      await sleep(10);
    }
  }

  /** Whatever could not be checked while tags were flowing, and a closing round of questions. */
  private async checkAll(): Promise<void> {
    const known = this.oracle.size;
    if (known === 0) return;
    const questions = [...this.checker.takeUnsettled(), ...this.questioner.totals()];
    for (let index = 0; index < FINAL_PROFILES; index++) questions.push(this.questioner.profile(known));
    const end = this.options.start + this.generated;
    for (let index = 0; index < FINAL_AGGREGATES; index++) questions.push(this.questioner.aggregates(end));
    for (const [index, question] of questions.entries()) {
      while (this.failure === undefined && !this.queries.hasRoom(this.queries.shortest())) await sleep(1);
      if (this.failure !== undefined) return;
      this.ask(question, true);
      if (index % 100 === 0) this.show('checking', index, questions.length);
    }
    while (this.failure === undefined && !this.queries.idle) await sleep(1);
  }

  private tick(): void {
    this.checker.mark(this.oracle.size);
    if (this.generated < this.options.count) this.show('sending');
  }

  private show(phase: LoadProgress['phase'], done = this.tagLatency.count, total = this.options.count): void {
    const perSecond = this.pacer.perSecond(this.tagLatency.count);
    this.reporter.progress({ phase, done, total, perSecond, mismatches: this.checker.mismatches });
  }

  private report(seconds: number, catchUpMs: number): LoadReport {
    const { start, seed } = this.options;
    const acknowledged = this.oracle.size;
    const { mismatches, late, failed: failedQueries, uncompared, examples, checked, latencies } = this.checker;
    const unanswered = this.sent - this.tagLatency.count;
    const passed =
      this.failure === undefined &&
      mismatches + late + uncompared + unanswered === 0 &&
      Object.keys(this.refused).length === 0;
    return {
      passed,
      url: this.platform.url,
      seed,
      from: new Date(start).toISOString(),
      to: new Date(start + this.generated).toISOString(),
      tags: {
        sent: this.sent,
        acknowledged,
        unanswered,
        refused: this.refused,
        perSecond: seconds === 0 ? 0 : Math.round(acknowledged / seconds),
      },
      seconds: Math.round(seconds * 1000) / 1000,
      catchUpMs,
      latencyMs: {
        tags: this.tagLatency.summary(),
        profiles: latencies.profiles.summary(),
        aggregates: latencies.aggregates.summary(),
      },
      checked,
      mismatches,
      late,
      failedQueries,
      uncompared,
      examples,
      ...(this.failure !== undefined && { interrupted: this.failure }),
    };
  }
}

export type { LoadReport } from './report.ts';
