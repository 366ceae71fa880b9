import type { IncomingMessage, ServerResponse } from 'node:http';
import { MillraceError } from '@millrace/core';
import { mediaType, readBody, unsupportedMediaType } from './body.ts';
import { writeError } from './errors.ts';
import type { RequestLog } from './request-log.ts';
import { ERRORS_OF_POST, IDEMPOTENCY_KEY, type DirectRoute } from './route.ts';
import { UserTagSchema } from './schemas.ts';
import { MAX_TAG_BYTES, type TagIntake } from './tag-intake.ts';
import { TAGS_PATH } from './tag-request.ts';

const JSON_TYPE = 'application/json';

/**
 * `POST /user_tags`: 204 once the tag is durable in the log. No framework, no async function and as few closures as
 * possible: this runs for every tag that does not come as plainly as `tag-request.ts` wants it.
 *
 * @param answered is told of every request, if anyone wants to know
 */
export function userTagsRoute(intake: TagIntake, answered: RequestLog | undefined): DirectRoute {
  function refuse(response: ServerResponse, cause: unknown): void {
    writeError(response, intake.refused(cause));
  }

  function store(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const startedMs = performance.now();
    const record = intake.toRecord(body, 0, body.length, request.headers['idempotency-key']);
    intake.store(record, startedMs, (failure) => {
      if (failure === undefined) response.writeHead(204).end();
      else writeError(response, failure);
    });
  }

  return {
    methods: ['POST'],
    path: TAGS_PATH,
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
        refuse(response, isJson(type) ? unsupportedEncoding(encoding!) : unsupportedMediaType(type, JSON_TYPE));
        return;
      }
      readBody(request, request.headers, MAX_TAG_BYTES, (error, body) => {
        try {
          if (error !== null) throw error;
          tell?.(body!);
          store(request, response, body!);
        } catch (refusal) {
          refuse(response, refusal);
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
