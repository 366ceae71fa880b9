import { createServer as createHttpServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { MillraceError, type Logger } from '@millrace/core';
import { fastify, type FastifyInstance } from 'fastify';
import { parseBatchBodies } from './batch.ts';
import { MAX_BATCH_BYTES } from './batch-body.ts';
import { dropBody } from './body.ts';
import { errorText, sendError, toRequestError } from './errors.ts';
import { listenError, urlOf } from './listen.ts';
import { parseQuery } from './parameters.ts';
import { logRequests, type RequestLog } from './request-log.ts';
import type { DirectRoute, Route } from './route.ts';
import { answerUnmatched } from './unmatched.ts';

export const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 60_000;
export const KEEP_ALIVE_TIMEOUT_MS = 72_000;
const MAX_CONNECTIONS = 10_000;
const BACKLOG = 511;
/** How long a client that is refused on the bare socket may take to read the answer and close its side. */
const LINGER_MS = 1000;
/** Of the body of a query, which is ignored. */
const MAX_IGNORED_BYTES = 1024 * 1024;
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
  logger: Logger,
  log: RequestLog | undefined,
): Promise<FastifyInstance> {
  const app: FastifyInstance = fastify({
    logger: false,
    bodyLimit: MAX_BATCH_BYTES,
    serverFactory: (framework) => httpServer(groups.tags, framework),
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
  logRequests(app, log);
  await app.register(async (scope) => {
    parseBatchBodies(scope);
    addRoute(scope, groups.batch);
  });
  for (const route of groups.queries) addRoute(app, route, skipBody);
  return app;
}

/** Gives tags to their route at once, and everything else to the framework. */
function httpServer(direct: DirectRoute, framework: RequestListener): Server {
  // A request to a proxy carries the whole URL, and a server has to take it too (RFC 9112, section 3.2.2).
  const target = new RegExp(`^(?:https?://[^/?]*)?${direct.path}(?:\\?|$)`);
  const server = createHttpServer(
    {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      connectionsCheckingInterval: 5000,
    },
    (request, response) => {
      if (request.method !== 'POST' || !target.test(request.url ?? '')) {
        framework(request, response);
        return;
      }
      // A connection of a server that stops ends with its answer.
      if (!server.listening) response.shouldKeepAlive = false;
      direct.handle(request, response);
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  return server;
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

/** What is not even HTTP: answered on the bare socket. */
function refuseConnection(error: NodeJS.ErrnoException & { readonly reason?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const tooLong = error.code === 'HPE_HEADER_OVERFLOW';
  const late = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
  const status = tooLong ? 431 : late ? 408 : 400;
  const wrong = `this is not HTTP${error.reason === undefined ? '' : `: ${error.reason}`}`;
  const message = tooLong ? 'the headers are too long' : late ? 'the request took too long' : wrong;
  socket.end(errorText(new MillraceError('INVALID_ARGUMENT', message), { last: true, status }));
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
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
