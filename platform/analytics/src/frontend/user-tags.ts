import { toMillraceError, type LogAppender } from '@millrace/core';
import type { FastifyInstance } from 'fastify';
import { encodeTag } from '../codec.ts';
import { mediaType, readBody, unsupportedMediaType } from './body.ts';
import { toRequestError } from './errors.ts';
import { idempotencyKey } from './idempotency.ts';
import type { FrontendMetrics } from './metrics.ts';
import { ERRORS_OF_POST, IDEMPOTENCY_KEY, type Route } from './route.ts';
import { UserTagSchema } from './schemas.ts';
import { parseTag } from './tag-parser.ts';

/** Six texts of 4 KiB fit into it, even escaped in parts. */
export const MAX_TAG_BYTES = 64 * 1024;

const JSON_TYPE = 'application/json';
const EMPTY = Buffer.alloc(0);

export interface UserTagsDependencies {
  readonly log: LogAppender;
  readonly metrics: FrontendMetrics;
  readonly now: () => number;
}

/** The body stays bytes until the handler, which parses and checks it in one go. Every refusal is counted. */
export function parseTagBodies(app: FastifyInstance, metrics: FrontendMetrics): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(JSON_TYPE, (request, payload, done) => {
    readBody(payload, request.headers, MAX_TAG_BYTES, done);
  });
  app.addContentTypeParser('*', (request, payload, done) => {
    payload.resume();
    done(unsupportedMediaType(request.headers['content-type'], JSON_TYPE));
  });
  app.setErrorHandler((error) => {
    metrics.rejected(toRequestError(error));
    // The handler of the whole server answers.
    throw error;
  });
}

/** `POST /user_tags`: 204 once the tag is durable in the log. */
export function userTagsRoute({ log, metrics, now }: UserTagsDependencies, maxFutureMs: number): Route {
  return {
    methods: ['POST'],
    path: '/user_tags',
    summary: 'Stores a user tag',
    description: 'Answers 204 once the tag survives a power loss; profiles and aggregates show it shortly after.',
    parameters: [IDEMPOTENCY_KEY],
    body: { required: true, content: { [JSON_TYPE]: UserTagSchema } },
    answers: { 204: { description: 'the tag is durable' }, ...ERRORS_OF_POST },
    // No async function and no hook: this runs for every tag.
    handler(request, reply) {
      const started = performance.now();
      const body = request.body as Buffer | undefined;
      if (body === undefined && mediaType(request.headers['content-type']) !== JSON_TYPE) {
        throw unsupportedMediaType(request.headers['content-type'], JSON_TYPE);
      }
      const bytes = body ?? EMPTY;
      const tag = parseTag(bytes, 0, bytes.length, now() + maxFutureMs);
      const record = encodeTag(tag, idempotencyKey(request.headers['idempotency-key']));
      const stored = (): void => {
        metrics.accepted++;
        metrics.tags.record(started);
        reply.code(204).send();
      };
      const failed = (error: unknown): void => {
        reply.send(toMillraceError(error, 'LOG_FAILED'));
      };
      log.append([record]).then(stored, failed);
    },
  };
}
