import type { IncomingMessage, ServerResponse } from 'node:http';
import { MillraceError, toMillraceError, type LogAppender, type Logger, type NewRecord } from '@millrace/core';
import { encodeTag } from '../codec.ts';
import { mediaType, readBody, unsupportedMediaType } from './body.ts';
import { toRequestError, writeError } from './errors.ts';
import { idempotencyKey } from './idempotency.ts';
import type { FrontendMetrics } from './metrics.ts';
import type { RequestLog } from './request-log.ts';
import { ERRORS_OF_POST, IDEMPOTENCY_KEY, type DirectRoute } from './route.ts';
import { UserTagSchema } from './schemas.ts';
import { parseTag } from './tag-parser.ts';

/** Six texts of 4 KiB fit into it, even escaped in parts. */
export const MAX_TAG_BYTES = 64 * 1024;

const JSON_TYPE = 'application/json';

export interface UserTagsDependencies {
  readonly log: LogAppender;
  readonly metrics: FrontendMetrics;
  readonly now: () => number;
  readonly logger: Logger;
  /** Is told of every request, if anyone wants to know. */
  readonly answered: RequestLog | undefined;
}

/**
 * `POST /user_tags`: 204 once the tag is durable in the log. Every refusal is counted. No framework, no async function
 * and as few closures as possible, because this runs for every tag.
 */
export function userTagsRoute(dependencies: UserTagsDependencies, maxFutureMs: number): DirectRoute {
  const { log, metrics, now, logger, answered } = dependencies;

  function toRecord(request: IncomingMessage, body: Buffer): NewRecord {
    const tag = parseTag(body, 0, body.length, now() + maxFutureMs);
    return encodeTag(tag, idempotencyKey(request.headers['idempotency-key']));
  }

  function refuse(request: IncomingMessage, response: ServerResponse, cause: unknown): void {
    const error = toRequestError(cause);
    const { method, url } = request;
    if (error.code === 'INTERNAL') logger.error({ err: cause, method, url }, error.message);
    metrics.rejected(error);
    writeError(response, error);
  }

  function store(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const started = performance.now();
    const record = toRecord(request, body);
    const stored = (): void => {
      metrics.accepted++;
      metrics.tags.record(started);
      response.writeHead(204).end();
    };
    const failed = (error: unknown): void => refuse(request, response, toMillraceError(error, 'LOG_FAILED'));
    log.append([record]).then(stored, failed);
  }

  return {
    methods: ['POST'],
    path: '/user_tags',
    summary: 'Stores a user tag',
    description: 'Answers 204 once the tag survives a power loss; profiles and aggregates show it shortly after.',
    parameters: [IDEMPOTENCY_KEY],
    body: { required: true, content: { [JSON_TYPE]: UserTagSchema } },
    answers: { 204: { description: 'the tag is durable' }, ...ERRORS_OF_POST },
    handle(request, response) {
      const tell = answered === undefined ? undefined : tellWhenAnswered(request, response, answered);
      const type = request.headers['content-type'];
      const encoding = request.headers['content-encoding'];
      if ((type !== JSON_TYPE && !isJson(type)) || (encoding !== undefined && encoding !== 'identity')) {
        request.resume();
        refuse(
          request,
          response,
          isJson(type) ? unsupportedEncoding(encoding!) : unsupportedMediaType(type, JSON_TYPE),
        );
        return;
      }
      readBody(request, request.headers, MAX_TAG_BYTES, (error, body) => {
        try {
          if (error !== null) throw error;
          tell?.(body!);
          store(request, response, body!);
        } catch (refusal) {
          refuse(request, response, refusal);
        }
      });
    },
  };
}

const CHARSET = /;\s*charset="?([^";]+)/i;

/** JSON in UTF-8, said or unsaid. */
function isJson(type: string | undefined): boolean {
  if (mediaType(type) !== JSON_TYPE) return false;
  const charset = CHARSET.exec(type!)?.[1]?.trim().toLowerCase() ?? 'utf-8';
  return charset === 'utf-8' || charset === 'utf8';
}

const unsupportedEncoding = (encoding: string): MillraceError =>
  new MillraceError('UNSUPPORTED_MEDIA_TYPE', 'a single tag comes uncompressed; send many by /user_tags/batch', {
    field: 'Content-Encoding',
    value: encoding,
    accepted: 'none',
  });

/** Logs the request once it is answered, with the body that the returned function is given. */
function tellWhenAnswered(
  request: IncomingMessage,
  response: ServerResponse,
  answered: RequestLog,
): (body: Buffer) => void {
  const { method, url, headers } = request;
  const started = performance.now();
  let body: Buffer | undefined;
  response.once('finish', () => {
    answered({ method, url, status: response.statusCode, ms: performance.now() - started, headers, body });
  });
  return (received) => {
    body = received;
  };
}
