import http from 'node:http';
import https from 'node:https';
import type { Encoded } from '@millrace/core';
import { MillraceError } from '@millrace/core';

/** Where requests go, and what all of them have. */
export interface Target {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** In messages. */
  readonly display: string;
}

export interface WebMessage extends Encoded {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
}

/** Sends one request and reads its answer to the end, so that the connection can be used again. @throws UNAVAILABLE */
export function request(target: Target, agent: http.Agent, message: WebMessage, signal: AbortSignal): Promise<Answer> {
  const { url, method, timeoutMs } = target;
  const body = Buffer.from(message.body);
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const fail = (cause: unknown): void => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    reject(new MillraceError('UNAVAILABLE', `${target.display}: ${reason}`, { cause }));
  };
  const client = (url.protocol === 'https:' ? https : http).request(url, {
    method,
    agent,
    signal,
    // Of our own making only: `auth` of the URL would otherwise override an Authorization header.
    auth: null,
    headers: {
      'content-type': 'application/json',
      ...target.headers,
      ...message.headers,
      'content-length': body.length,
    },
  });
  const timer = setTimeout(() => client.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  client.on('error', fail);
  client.on('response', (response) => {
    response.on('error', fail);
    response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers }));
    response.resume();
  });
  client.end(body);
  return promise.finally(() => clearTimeout(timer));
}
