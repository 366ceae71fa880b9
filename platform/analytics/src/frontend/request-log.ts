import type { IncomingHttpHeaders } from 'node:http';
import type { Logger } from '@millrace/core';
import type { FastifyInstance } from 'fastify';
import type { FrontendOptions } from './contract.ts';

const MAX_BODY_CHARACTERS = 2048;

export interface AnsweredRequest {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly status: number;
  readonly ms: number;
  readonly headers: IncomingHttpHeaders;
  /** Bodies of batches are streams and stay out. */
  readonly body: unknown;
}

export type RequestLog = (request: AnsweredRequest) => void;

/**
 * Writes a line per request. Undefined unless headers or bodies are asked for or the logger is at debug level, because
 * even a line that is not written costs every tag.
 */
export function requestLog(
  logger: Logger,
  { logRequests: enabled, logHeaders, logBody }: FrontendOptions,
): RequestLog | undefined {
  const detailed = logHeaders || logBody;
  if (!enabled || !(detailed || logger.isLevelEnabled('debug'))) return undefined;
  return ({ method, url, status, ms, headers, body }) => {
    const line = {
      method,
      url,
      status,
      ms: Number(ms.toFixed(1)),
      ...(logHeaders && { headers: withoutSecrets(headers) }),
      ...(logBody && { body: bodyText(body) }),
    };
    if (detailed) logger.info(line, 'request');
    else logger.debug(line, 'request');
  };
}

/** Logs what goes through the framework. */
export function logRequests(app: FastifyInstance, log: RequestLog | undefined): void {
  if (log === undefined) return;
  app.addHook('onResponse', (request, reply, done) => {
    const { method, url, headers, body } = request;
    log({ method, url, status: reply.statusCode, ms: reply.elapsedTime, headers, body });
    done();
  });
}

const withoutSecrets = ({ authorization, cookie, ...rest }: IncomingHttpHeaders): object => ({
  ...rest,
  ...(authorization !== undefined && { authorization: '***' }),
  ...(cookie !== undefined && { cookie: '***' }),
});

function bodyText(body: unknown): string | undefined {
  if (!Buffer.isBuffer(body)) return undefined;
  const text = body.toString('utf8', 0, 3 * MAX_BODY_CHARACTERS);
  return text.length <= MAX_BODY_CHARACTERS ? text : `${text.slice(0, MAX_BODY_CHARACTERS)}…`;
}
