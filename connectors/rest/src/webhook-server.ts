import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Arrival } from '@millrace/core';
import type { Received, Source } from '@millrace/core';
import { ByteBudget } from './byte-budget.ts';
import { KEY_HEADER } from './message-headers.ts';
import { readBody } from './request-body.ts';
import { isSigned } from './signature.ts';

export interface WebhookServerOptions {
  readonly secret: string | undefined;
  readonly signatureHeader: string;
  /** Bytes. */
  readonly maxBody: number;
  /** Of all requests that have not been answered, bytes. */
  readonly maxWaitingBytes: number;
  /** Milliseconds. */
  readonly answerTimeout: number;
  /** In lower case. */
  readonly keptHeaders: readonly string[];
}

/** A request that has not been answered; its message's token. */
interface Waiting {
  readonly received: Received;
  readonly response: ServerResponse;
}

/** So many requests may wait for the application; further ones are answered 503. */
const MAX_WAITING = 1000;
const LATER = { 'retry-after': '1' };
const METHODS = new Set(['POST', 'PUT', 'PATCH']);

/** Takes requests as messages, and answers each when the application is done with it. */
export class WebhookServer implements Source {
  readonly #server: Server;
  readonly #path: string;
  readonly #options: WebhookServerOptions;
  /** Not received yet, in the order of arrival. */
  #arrived: Waiting[] = [];
  /** Received, and not answered. */
  readonly #received = new Map<Received, Waiting>();
  readonly #arrival = new Arrival();
  readonly #budget: ByteBudget;

  private constructor(server: Server, path: string, options: WebhookServerOptions) {
    this.#server = server;
    this.#path = path;
    this.#options = options;
    this.#budget = new ByteBudget(options.maxWaitingBytes);
  }

  static async listen(url: URL, options: WebhookServerOptions): Promise<WebhookServer> {
    const server = createServer();
    const source = new WebhookServer(server, url.pathname, options);
    server.on('request', (request, response) => void source.#take(request, response));
    server.listen(Number(url.port || 80), url.hostname.replaceAll(/[[\]]/g, ''));
    await once(server, 'listening');
    return source;
  }

  async receive(max: number, signal: AbortSignal): Promise<readonly Received[]> {
    if (this.#arrived.length === 0) await this.#arrival.wait(signal);
    if (signal.aborted) return [];
    const taken = this.#arrived.splice(0, max);
    for (const waiting of taken) this.#received.set(waiting.received, waiting);
    return taken.map(({ received }) => received);
  }

  async acknowledge(received: readonly Received[]): Promise<void> {
    for (const one of received) {
      const waiting = this.#received.get(one);
      this.#received.delete(one);
      if (waiting !== undefined) answer(waiting.response, 204);
    }
  }

  async close(): Promise<void> {
    const left = [...this.#arrived, ...this.#received.values()];
    this.#arrived = [];
    this.#received.clear();
    for (const { response } of left) answer(response, 503);
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeIdleConnections();
    });
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { headers, method = '' } = request;
    const path = (request.url ?? '').replace(/\?.*$/s, '');
    if (path !== this.#path) return refuse(request, response, 404);
    if (!METHODS.has(method)) return refuse(request, response, 405, { allow: [...METHODS].join(', ') });
    const { secret, signatureHeader, maxBody } = this.#options;
    const body = await readBody(request, response, maxBody, this.#budget);
    if (body === 'gone') return;
    if (body === 'too large') return refuse(request, response, 413);
    if (body === 'no room') return refuse(request, response, 503, LATER);
    const signature = headers[signatureHeader.toLowerCase()];
    if (secret !== undefined && !isSigned(secret, body, String(signature))) return answer(response, 401);
    const key = headers[KEY_HEADER];
    const kept = this.#options.keptHeaders.flatMap((name) =>
      headers[name] === undefined ? [] : [[name, String(headers[name])]],
    );
    this.#arrive(response, {
      ...(typeof key === 'string' ? { key: decoded(key) } : {}),
      ...(kept.length > 0 ? { headers: Object.fromEntries(kept) as Record<string, string> } : {}),
      body,
    });
  }

  #arrive(response: ServerResponse, received: Received): void {
    if (response.destroyed) return;
    if (this.#arrived.length >= MAX_WAITING || !this.#server.listening) return answer(response, 503, LATER);
    const waiting = { received, response };
    const timer = setTimeout(() => answer(response, 503), this.#options.answerTimeout);
    // Answered or gone: nobody waits for it any more, and it is sent again if it was not taken.
    response.on('close', () => {
      clearTimeout(timer);
      this.#arrived = this.#arrived.filter((other) => other !== waiting);
    });
    this.#arrived.push(waiting);
    this.#arrival.tell();
  }
}

function answer(response: ServerResponse, status: number, headers: Readonly<Record<string, string>> = {}): void {
  if (!response.headersSent) response.writeHead(status, { ...headers, 'content-length': 0 }).end();
}

/** The rest of the request is not read: its connection cannot be used again. */
function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>> = {},
): void {
  answer(response, status, { ...headers, connection: 'close' });
  request.resume();
}

function decoded(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch (error) {
    // Somebody else's header: as it stands, then.
    if (error instanceof URIError) return key;
    throw error;
  }
}
