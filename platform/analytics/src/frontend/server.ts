import type { IncomingMessage } from 'node:http';
import type { Logger } from '@millrace/core';
import { fastify, type FastifyInstance } from 'fastify';
import { parseBatchBodies } from './batch.ts';
import { MAX_BATCH_BYTES } from './batch-body.ts';
import { dropBody } from './body.ts';
import { sendError, toRequestError } from './errors.ts';
import { createHttpServer, MAX_IGNORED_BYTES, refuseConnection, type HttpTimeouts } from './http-server.ts';
import { listenError, urlOf } from './listen.ts';
import { parseQuery } from './parameters.ts';
import { logRequests, type RequestLog } from './request-log.ts';
import type { DirectRoute, Route } from './route.ts';
import { answerUnmatched } from './unmatched.ts';

const BACKLOG = 511;
/** A cookie of 4 KiB, all of it percent-encoded; Node's own limit for all headers is 16 KiB. */
const MAX_PATH_PARAMETER = 3 * 4096;

/** The routes by what becomes of a request's body. */
export interface RouteGroups {
  readonly tags: DirectRoute;
  readonly batch: Route;
  /** Bodies are ignored, whatever they are, up to {@link MAX_IGNORED_BYTES}. */
  readonly queries: readonly Route[];
}

/** A Fastify server for the routes: limits, bodies, errors. It does not listen yet. */
export async function createServer(
  groups: RouteGroups,
  timeouts: HttpTimeouts,
  logger: Logger,
  log: RequestLog | undefined,
): Promise<FastifyInstance> {
  const app: FastifyInstance = fastify({
    logger: false,
    bodyLimit: MAX_BATCH_BYTES,
    serverFactory: (framework) => createHttpServer(groups.tags, framework, timeouts),
    routerOptions: {
      maxParamLength: MAX_PATH_PARAMETER,
      querystringParser: (text) => parseQuery(text) as unknown as Record<string, unknown>,
    },
    forceCloseConnections: 'idle',
    // A request that comes in while the server stops is answered, and its connection closed.
    return503OnClosing: false,
    frameworkErrors(error, _request, reply) {
      sendError(reply, toRequestError(error));
    },
    clientErrorHandler: refuseConnection,
  });
  app.setErrorHandler((error, request, reply) => {
    const known = toRequestError(error);
    if (known.code === 'INTERNAL')
      logger.error({ err: error, method: request.method, url: request.url }, known.message);
    return sendError(reply, known);
  });
  const routes = [groups.tags, groups.batch, ...groups.queries];
  app.setNotFoundHandler(answerUnmatched(routes));
  ignoreBodies(app);
  // With a body Fastify refuses one that lacks a Content-Type, and would not come to say that no path takes it.
  app.addHttpMethod('QUERY', { hasBody: false, overrideExisting: true });
  logRequests(app, log);
  await app.register(async (scope) => {
    parseBatchBodies(scope);
    addRoute(scope, groups.batch);
  });
  for (const route of groups.queries) addRoute(app, route, skipBody);
  return app;
}

function addRoute(app: FastifyInstance, { methods, path, handler }: Route, onRequest?: typeof skipBody): void {
  app.route({ method: [...methods], url: path, handler, ...(onRequest !== undefined && { onRequest }) });
}

function ignoreBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => {
    payload.resume();
    done(null);
  });
}

/**
 * Reads what a query brings along, so that the connection can go on, and drops it. Fastify would refuse a malformed
 * Content-Type before any parser is asked, and read the body of a GET not at all.
 */
function skipBody({ raw }: { raw: IncomingMessage }, _reply: unknown, done: (error?: Error) => void): void {
  const { headers } = raw;
  delete headers['content-type'];
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) done();
  else dropBody(raw, headers, MAX_IGNORED_BYTES, done);
}

/** @throws INVALID_OPTION (rejection) when the address cannot be had */
export async function listen(app: FastifyInstance, host: string, port: number): Promise<string> {
  try {
    await app.listen({ host, port, backlog: BACKLOG });
  } catch (error) {
    throw listenError(error, host, port);
  }
  return urlOf(app.server, host);
}
