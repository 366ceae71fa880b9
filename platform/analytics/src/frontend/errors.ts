import { STATUS_CODES, type ServerResponse } from 'node:http';
import { MillraceError, type ErrorCode } from '@millrace/core';
import type { FastifyReply } from 'fastify';
import type { ErrorAnswer } from './schemas.ts';

const MAX_VALUE_LENGTH = 100;
const RETRY_AFTER_S = '1';

/** What Fastify itself refuses, before a handler of ours runs. */
const FASTIFY_CODES: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'BODY_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'UNSUPPORTED_MEDIA_TYPE',
};

/** Any error as one of the error table: Fastify's and Node's complaints about a request stay the caller's fault. */
export function toRequestError(error: unknown): MillraceError {
  if (error instanceof MillraceError) return error;
  const { code = '', statusCode = 500, message } = error as { code?: string; statusCode?: number; message?: string };
  if (code === 'FST_ERR_BAD_URL') return undecodable(message ?? '', error);
  const known = FASTIFY_CODES[code];
  if (known !== undefined) return new MillraceError(known, message ?? code, { cause: error });
  if (statusCode >= 400 && statusCode < 500) {
    return new MillraceError('INVALID_ARGUMENT', message ?? code, { cause: error });
  }
  return new MillraceError('INTERNAL', 'this should not happen: the log of the server has the details', {
    cause: error,
  });
}

/** Fastify tells the path in its message only. */
function undecodable(message: string, cause: unknown): MillraceError {
  const path = /^'(.*)' is not a valid url component$/.exec(message)?.[1];
  return new MillraceError('INVALID_ARGUMENT', 'the path cannot be decoded: write a % of a cookie as %25', {
    field: 'path',
    ...(path !== undefined && { value: path }),
    accepted: 'UTF-8, percent-encoded',
    cause,
  });
}

export function errorAnswer(error: MillraceError): ErrorAnswer {
  const { field, value, accepted } = error.details;
  return {
    error: {
      code: error.code,
      message: error.message,
      ...(field !== undefined && { field }),
      ...(value !== undefined && { value: shortened(value) }),
      ...(accepted !== undefined && { accepted }),
    },
  };
}

/** Answers with the error's status and coded JSON. */
export function sendError(reply: FastifyReply, error: MillraceError, more: object = {}): FastifyReply {
  return reply
    .code(error.status)
    .headers(headersOf(error))
    .send({ ...errorAnswer(error), ...more });
}

/** The same on Node's own response. */
export function writeError(response: ServerResponse, error: MillraceError, status = error.status): void {
  const body = JSON.stringify(errorAnswer(error));
  response.writeHead(status, {
    ...headersOf(error),
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}

/**
 * The same as the text of a whole answer, for a connection without a response object.
 *
 * @param last whether the connection ends with it
 */
export function errorText(
  error: MillraceError,
  { last, status = error.status }: { last: boolean; status?: number },
): string {
  const body = JSON.stringify(errorAnswer(error));
  const fields = {
    date: new Date().toUTCString(),
    ...headersOf(error),
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    connection: last ? 'close' : 'keep-alive',
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`;
}

/** What may work later says when, and a method that is not taken, which ones are. */
const headersOf = ({ status, code, details }: MillraceError): Record<string, string> => ({
  ...(status === 503 && { 'retry-after': RETRY_AFTER_S }),
  ...(code === 'UNAUTHORIZED' && { 'www-authenticate': 'Bearer' }),
  ...(code === 'METHOD_NOT_ALLOWED' && details.accepted !== undefined && { allow: details.accepted }),
});

function shortened(value: unknown): unknown {
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value;
  const text = typeof value === 'string' ? value : jsonOf(value);
  return text.length <= MAX_VALUE_LENGTH ? text : `${text.slice(0, MAX_VALUE_LENGTH - 1)}…`;
}

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? typeof value;
  } catch (error) {
    // JSON.parse takes any depth, its opposite only what the stack holds.
    if (error instanceof RangeError) return 'nested too deeply to be shown';
    throw error;
  }
}
