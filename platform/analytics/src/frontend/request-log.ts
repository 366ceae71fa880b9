import type { Logger } from '@millrace/core';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { FrontendOptions } from './contract.ts';

const MAX_BODY_CHARACTERS = 2048;

/**
 * Logs each request after its answer. Adds nothing to the server unless headers or bodies are asked for or the logger
 * is at debug level, because even a line that is not written costs every tag.
 */
export function logRequests(
  app: FastifyInstance,
  logger: Logger,
  { logRequests: enabled, logHeaders, logBody }: FrontendOptions,
): void {
  const detailed = logHeaders || logBody;
  if (!enabled || !(detailed || logger.isLevelEnabled('debug'))) return;
  app.addHook('onResponse', (request, reply, done) => {
    const line = {
      method: request.method,
      url: request.url,
      status: reply.statusCode,
      ms: Number(reply.elapsedTime.toFixed(1)),
      ...(logHeaders && { headers: withoutSecrets(request.headers) }),
      ...(logBody && { body: bodyText(request) }),
    };
    if (detailed) logger.info(line, 'request');
    else logger.debug(line, 'request');
    done();
  });
}

const withoutSecrets = ({ authorization, cookie, ...rest }: FastifyRequest['headers']): object => ({
  ...rest,
  ...(authorization !== undefined && { authorization: '***' }),
  ...(cookie !== undefined && { cookie: '***' }),
});

/** Bodies of batches are streams and stay out. */
function bodyText({ body }: FastifyRequest): string | undefined {
  if (!Buffer.isBuffer(body)) return undefined;
  const text = body.toString('utf8', 0, 3 * MAX_BODY_CHARACTERS);
  return text.length <= MAX_BODY_CHARACTERS ? text : `${text.slice(0, MAX_BODY_CHARACTERS)}…`;
}
