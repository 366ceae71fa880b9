import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { MillraceError, toMillraceError, type Registry } from '@millrace/core';
import type { PartitionLag } from '../backend-watch.ts';
import { checkAdminAccess } from '../frontend/access.ts';
import { errorAnswer } from '../frontend/errors.ts';
import { listenError, urlOf } from '../frontend/listen.ts';
import type { Lag } from '../lag.ts';

export interface AdminServerOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** Further behind than this makes `/ready` answer 503, milliseconds. */
  readonly maxLagMs: number;
  /** Opens `/admin` to other machines; undefined leaves it to this one. */
  readonly adminToken: string | undefined;
}

/** Live figures of a processor, as it shows them in `/ready` and `/admin/status`. */
export interface ProcessorStatus {
  readonly state: 'starting' | 'running' | 'stopping' | 'stopped' | 'failed';
  /** False while it waits for its log or its state, or to be started again. */
  readonly processorRunning: boolean;
  readonly logReadable: boolean;
  readonly stateReadable: boolean;
  /** What is durable in the log and not yet in the state, of all processors together. */
  readonly lag: Lag;
  readonly partitions: readonly PartitionLag[];
  /** Tags since the start, by this processor. */
  readonly applied: number;
  readonly redelivered: number;
  readonly duplicates: number;
  readonly late: number;
  readonly deadLetters: number;
  readonly restarts: number;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
}

export interface AdminServerDependencies {
  readonly metrics: Registry;
  readonly status: () => ProcessorStatus;
  /** Makes `status` tell what holds at the time of the call. */
  readonly refresh: () => Promise<void>;
}

export interface AdminServer {
  /** Its address. @throws INVALID_OPTION (rejection) when the address cannot be had */
  start(): Promise<string>;
  stop(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** `/health`, `/ready`, `/metrics` and `/admin/status` of a processor, the same as a frontend's. */
export function createAdminServer(dependencies: AdminServerDependencies, options: AdminServerOptions): AdminServer {
  const server = createServer((request, response) => {
    answer(request, dependencies, options).then(
      (given) => send(response, given),
      (error: unknown) => send(response, refusal(error)),
    );
  });
  return {
    async start() {
      const { host, port } = options;
      server.listen({ host, port });
      await once(server, 'listening').catch((error: unknown) => {
        throw listenError(error, host, port);
      });
      return urlOf(server, host);
    },
    async stop() {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(
  request: IncomingMessage,
  { metrics, status, refresh }: AdminServerDependencies,
  { maxLagMs, adminToken }: AdminServerOptions,
): Promise<Answer> {
  const path = request.url?.split('?', 1)[0];
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    throw new MillraceError('METHOD_NOT_ALLOWED', 'a processor is only asked: use GET', { accepted: 'GET, HEAD' });
  }
  switch (path) {
    case '/health':
      return { status: 200, type: 'text/plain', body: '' };
    case '/ready':
      return readiness(status(), maxLagMs);
    case '/metrics':
      return { status: 200, type: metrics.contentType, body: await metrics.metrics() };
    case '/admin/status':
      checkAdminAccess(request, adminToken);
      await refresh();
      return json(200, status());
    default:
      throw new MillraceError('NOT_FOUND', 'a processor has /health, /ready, /metrics and /admin/status', {
        field: 'path',
        value: path,
      });
  }
}

function readiness(status: ProcessorStatus, maxLagMs: number): Answer {
  const { state, processorRunning, logReadable, stateReadable, lag } = status;
  const reasons: string[] = [];
  if (state !== 'running') reasons.push(`the processor is ${state}`);
  if (!processorRunning) reasons.push('the processor waits for its log and its state');
  else if (!logReadable) reasons.push('the log cannot be read');
  else if (!stateReadable) reasons.push('the state cannot be read');
  if (lag.ms > maxLagMs) reasons.push(`the processors are ${lag.ms} ms behind, more than ${maxLagMs} ms`);
  if (reasons.length === 0) return json(200, { ready: true });
  const error = new MillraceError('NOT_RUNNING', `not ready: ${reasons.join('; ')}`);
  return json(error.status, { ready: false, reasons, ...errorAnswer(error) });
}

const json = (status: number, body: object): Answer => ({
  status,
  type: 'application/json; charset=utf-8',
  body: JSON.stringify(body),
});

function refusal(error: unknown): Answer {
  const known = toMillraceError(error);
  return json(known.status, errorAnswer(known));
}

function send(response: ServerResponse, { status, type, body }: Answer): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
