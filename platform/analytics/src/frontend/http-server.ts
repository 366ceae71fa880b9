import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { MillraceError } from '@millrace/core';
import { dropBody } from './body.ts';
import { errorText, writeError } from './errors.ts';
import type { DirectRoute } from './route.ts';

const MAX_CONNECTIONS = 10_000;
/** How long a client that is refused on the bare socket may take to read the answer and close its side. */
const LINGER_MS = 1000;
/** Of a body that is ignored. */
export const MAX_IGNORED_BYTES = 1024 * 1024;

/** All in milliseconds. */
export interface HttpTimeouts {
  /** For the head of a request. */
  readonly headersMs: number;
  /** For a whole request. */
  readonly requestMs: number;
  /** How long a connection may rest between two requests, and a client read nothing of its answer. */
  readonly silenceMs: number;
}

/** Node's server: gives tags to their route at once, and everything else that is HTTP to the framework. */
export function createHttpServer(direct: DirectRoute, framework: RequestListener, timeouts: HttpTimeouts): Server {
  // A request to a proxy carries the whole URL, and a server has to take it too (RFC 9112, section 3.2.2).
  const target = new RegExp(`^(?:https?://[^/?]*)?${direct.path}(?:\\?|$)`);
  const server = createServer(
    {
      headersTimeout: timeouts.headersMs,
      requestTimeout: timeouts.requestMs,
      keepAliveTimeout: timeouts.silenceMs,
      connectionsCheckingInterval: timeouts.headersMs / 2,
      // Node would refuse without a body, and take two.
      requireHostHeader: false,
    },
    (request, response) => {
      response.on('timeout', endUnread);
      const refusal = wrongHost(request);
      if (refusal !== undefined) {
        refuseLast(request, response, refusal);
      } else if (request.method !== 'POST' || !target.test(request.url ?? '')) {
        framework(request, response);
      } else {
        // A connection of a server that stops ends with its answer.
        if (!server.listening) response.shouldKeepAlive = false;
        direct.handle(request, response);
      }
    },
  );
  server.timeout = timeouts.silenceMs;
  server.maxConnections = MAX_CONNECTIONS;
  server.on('checkExpectation', (request, response) => {
    const refusal = wrongHost(request);
    if (refusal !== undefined) response.shouldKeepAlive = false;
    // At once: who expects something sends no body before it is told.
    if (refusal === undefined) writeError(response, unmetExpectation(request), 417);
    else writeError(response, refusal);
  });
  server.on('connect', ({ url }, socket: Socket) => {
    // Node has let go of the connection.
    socket.on('error', forget).resume();
    endWith(socket, errorText(notAProxy(url), { last: true }));
  });
  return server;
}

/** For Node's `clientError` event, what is not even HTTP: answered on the bare socket. */
export function refuseConnection(error: NodeJS.ErrnoException & { readonly reason?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const tooLong = error.code === 'HPE_HEADER_OVERFLOW';
  const late = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
  const status = tooLong ? 431 : late ? 408 : 400;
  const wrong = `this is not HTTP${error.reason === undefined ? '' : `: ${error.reason}`}`;
  const message = tooLong ? 'the headers are too long' : late ? 'the request took too long' : wrong;
  endWith(socket, errorText(new MillraceError('INVALID_ARGUMENT', message), { last: true, status }));
}

function endWith(socket: Socket, text: string): void {
  socket.end(text);
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}

/** A client that went away: the stream destroys itself. */
const forget = (): void => {};

/**
 * For the silence of a connection with a request under way. One that is still being worked at is waited for, however long
 * that takes; an answer of which nothing at all was read meanwhile holds memory for a client that is not there.
 */
function endUnread(socket: Socket): void {
  if (socket.writableLength > 0) socket.destroy();
}

/** RFC 9112, section 3.2. Two hosts are two requests, one to this server and one to a proxy before it. */
function wrongHost({ rawHeaders, httpVersion }: IncomingMessage): MillraceError | undefined {
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++;
  }
  if (hosts === 1 || (hosts === 0 && httpVersion !== '1.1')) return undefined;
  return new MillraceError('INVALID_ARGUMENT', hosts === 0 ? 'Host is missing' : `there are ${hosts} Host headers`, {
    field: 'Host',
    accepted: 'one Host header',
  });
}

/** Once the body is there: a connection that is closed before resets what its client still sends, and loses the answer. */
function refuseLast(request: IncomingMessage, response: ServerResponse, error: MillraceError): void {
  response.shouldKeepAlive = false;
  dropBody(request, request.headers, MAX_IGNORED_BYTES, () => writeError(response, error));
}

const unmetExpectation = ({ headers }: IncomingMessage): MillraceError =>
  new MillraceError('INVALID_ARGUMENT', 'this cannot be expected here', {
    field: 'Expect',
    value: headers.expect,
    accepted: '100-continue',
  });

const notAProxy = (target: string | undefined): MillraceError =>
  new MillraceError('METHOD_NOT_ALLOWED', `this is no proxy: ${target} cannot be reached through it`, {
    field: 'method',
    value: 'CONNECT',
    accepted: 'GET, HEAD, POST, OPTIONS',
  });
