import { setImmediate as nextTurn } from 'node:timers/promises';
import { MillraceError, toMillraceError, type LogAppender, type NewRecord } from '@millrace/core';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { encodeTag } from '../codec.ts';
import { BatchReceiver, decode } from './batch-body.ts';
import { splitItems, type BatchItem } from './batch-items.ts';
import { mediaType, tooLarge, unsupportedMediaType, type BodySource } from './body.ts';
import { errorAnswer, toRequestError } from './errors.ts';
import { idempotencyKey, keyInBatch } from './idempotency.ts';
import type { FrontendMetrics } from './metrics.ts';
import { ERRORS_OF_POST, IDEMPOTENCY_KEY, type Route } from './route.ts';
import { BatchResultSchema, UserTagSchema, type BatchResult } from './schemas.ts';
import { parseTag } from './tag-parser.ts';
import { Turnstile } from './turnstile.ts';
import { MAX_TAG_BYTES } from './tag-intake.ts';

const TYPES: readonly string[] = ['application/x-ndjson', 'application/json', 'application/ndjson', 'text/plain'];
const ACCEPTED_TYPES = 'application/x-ndjson or application/json';
const MAX_REJECTED_SHOWN = 1000;
/** So that a body of nothing but errors does not keep the server busy for a minute. */
const MAX_REJECTED = 100_000;
/** How long parsing may keep other requests waiting. */
const SLICE_MS = 2;
const ITEMS_PER_CLOCK_READING = 32;
/** Batches that are parsed at a time; more would only use more memory. */
const PARALLEL = 2;

export interface BatchDependencies {
  readonly log: LogAppender;
  readonly metrics: FrontendMetrics;
  readonly now: () => number;
}

/** The body stays a stream: how it is read depends on its Content-Encoding. */
export function parseBatchBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
}

/** `POST /user_tags/batch`: answers how many tags are durable, and what is wrong with the others. */
export function batchRoute({ log, metrics, now }: BatchDependencies, maxFutureMs: number): Route {
  const receiver = new BatchReceiver();
  const turnstile = new Turnstile(PARALLEL);
  return {
    methods: ['POST'],
    path: '/user_tags/batch',
    summary: 'Stores many user tags',
    description:
      'One JSON object per line, or a JSON array; Content-Encoding gzip or zstd is accepted. At most 16 MiB, 64 KiB per ' +
      'tag. Wrong tags are reported by line and do not stop the others. With an Idempotency-Key the tag of a line counts ' +
      'once, however often the batch is sent.',
    parameters: [IDEMPOTENCY_KEY],
    body: {
      required: true,
      content: {
        'application/x-ndjson': Type.String({ description: 'a user tag per line' }),
        'application/json': Type.Array(UserTagSchema),
      },
    },
    answers: { 200: { description: 'what was accepted is durable', schema: BatchResultSchema }, ...ERRORS_OF_POST },
    async handler(request, reply) {
      const started = performance.now();
      const source = request.body as BodySource | undefined;
      const type = request.headers['content-type'];
      if (source === undefined || !TYPES.includes(mediaType(type))) {
        source?.resume();
        throw unsupportedMediaType(type, ACCEPTED_TYPES);
      }
      const key = idempotencyKey(request.headers['idempotency-key']);
      const result = await receiver.receive(source, request.headers, (received) =>
        turnstile.pass(async () => store(await decode(received, request.headers['content-encoding']), key)),
      );
      metrics.batches.record(started);
      return reply.send(result);
    },
  };

  async function store(body: Buffer, key: string | undefined): Promise<BatchResult> {
    const outcome = new Outcome(metrics);
    let writing: Promise<MillraceError | undefined> = Promise.resolve(undefined);
    for (const records of slices(body, key, outcome)) {
      // The next slice is parsed while this one is being written; never more than that is in flight.
      const failure = await writing;
      if (failure !== undefined) throw interrupted(failure, outcome);
      if (records.length > 0) writing = append(records, outcome);
      await nextTurn();
    }
    const failure = await writing;
    if (failure !== undefined) throw interrupted(failure, outcome);
    return outcome.result();
  }

  /** Never rejects, because nobody may be waiting yet. */
  function append(records: readonly NewRecord[], outcome: Outcome): Promise<MillraceError | undefined> {
    return log.append(records).then(
      () => outcome.accept(records.length),
      (error: unknown) => {
        const failure = toMillraceError(error, 'LOG_FAILED');
        metrics.rejected(failure, records.length);
        return failure;
      },
    );
  }

  function* slices(body: Buffer, key: string | undefined, outcome: Outcome): Generator<readonly NewRecord[]> {
    let records: NewRecord[] = [];
    let until = performance.now() + SLICE_MS;
    let items = 0;
    const latest = now() + maxFutureMs;
    for (const item of splitItems(body)) {
      // To look through a long stretch, or to explain what is wrong with an item, takes as long as to parse many.
      let costly = item === undefined;
      try {
        if (item !== undefined) records.push(toRecord(body, item, latest, key));
      } catch (error) {
        costly = true;
        outcome.reject(item!.number, error);
        if (outcome.rejectedCount >= MAX_REJECTED) {
          outcome.stoppedAt = item!.number;
          break;
        }
      }
      const due = ++items % ITEMS_PER_CLOCK_READING === 0 || costly;
      if (!due || performance.now() < until) continue;
      yield records;
      records = [];
      until = performance.now() + SLICE_MS;
    }
    yield records;
  }
}

function toRecord(body: Buffer, item: BatchItem, latest: number, key: string | undefined): NewRecord {
  const { number, from, to, problem } = item;
  if (problem !== undefined)
    throw new MillraceError('INVALID_JSON', problem, { accepted: 'a JSON array, or a line per tag' });
  if (to - from > MAX_TAG_BYTES) throw tooLarge(MAX_TAG_BYTES);
  return encodeTag(parseTag(body, from, to, latest), key === undefined ? undefined : keyInBatch(key, number));
}

class Outcome {
  accepted = 0;
  rejectedCount = 0;
  stoppedAt: number | undefined;
  readonly #rejected: BatchResult['rejected'] = [];
  readonly #metrics: FrontendMetrics;

  constructor(metrics: FrontendMetrics) {
    this.#metrics = metrics;
  }

  accept(tags: number): undefined {
    this.accepted += tags;
    this.#metrics.accepted += tags;
  }

  reject(line: number, reason: unknown): void {
    const error = toRequestError(reason);
    // A fault of ours is not the fault of the line.
    if (error.code === 'INTERNAL') throw error;
    this.rejectedCount++;
    this.#metrics.rejected(error);
    if (this.#rejected.length < MAX_REJECTED_SHOWN) this.#rejected.push({ line, ...errorAnswer(error) });
  }

  result(): BatchResult {
    const { accepted, rejectedCount, stoppedAt } = this;
    return { accepted, rejected: this.#rejected, rejectedCount, ...(stoppedAt !== undefined && { stoppedAt }) };
  }
}

function interrupted(failure: MillraceError, { accepted }: Outcome): MillraceError {
  const advice = 'send the batch again with the Idempotency-Key it had; without one, stored tags would count twice';
  return new MillraceError(failure.code, `${failure.message}; ${accepted} tags were stored before: ${advice}`, {
    ...failure.details,
    cause: failure,
  });
}
