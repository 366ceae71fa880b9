import type { IncomingHttpHeaders } from 'node:http';
import { MillraceError } from '@millrace/core';

/** What is needed of a request: Node's own, or Fastify's payload stream. */
export interface BodySource {
  on(event: 'data', listener: (chunk: Buffer) => void): unknown;
  on(event: 'end', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  resume(): unknown;
}

type Done = (error: Error | null, body?: Buffer) => void;

/**
 * Reads a body of at most `limit` bytes and calls `done` once. Callbacks instead of a promise, and no copy of a body
 * that came in one piece, because this runs for every tag.
 *
 * @returns what makes it drop what it has, and all that still comes, with that error
 */
export function readBody(
  source: BodySource,
  headers: IncomingHttpHeaders,
  limit: number,
  done: Done,
): (error: Error) => void {
  let first: Buffer | undefined;
  let rest: Buffer[] | undefined;
  let length = 0;
  let settled = false;
  const settle = (error: Error | null, body?: Buffer): void => {
    if (settled) return;
    settled = true;
    first = rest = undefined;
    done(error, body);
  };
  if (Number(headers['content-length']) > limit) {
    source.resume();
    settle(tooLarge(limit));
    return settle;
  }
  source.on('data', (chunk) => {
    length += chunk.length;
    if (settled) return;
    if (length > limit) settle(tooLarge(limit));
    else if (first === undefined) first = chunk;
    else (rest ??= [first]).push(chunk);
  });
  source.on('end', () => settle(null, rest === undefined ? (first ?? EMPTY) : Buffer.concat(rest, length)));
  source.on('error', (cause) => settle(senderGone(cause)));
  return settle;
}

const EMPTY = Buffer.alloc(0);

/** Receives a body of at most `limit` bytes, keeps nothing of it, and calls `done` once. */
export function dropBody(
  source: BodySource,
  headers: IncomingHttpHeaders,
  limit: number,
  done: (error?: Error) => void,
): void {
  let length = 0;
  let settled = false;
  const settle = (error?: Error): void => {
    if (settled) return;
    settled = true;
    done(error);
  };
  if (Number(headers['content-length']) > limit) settle(tooLarge(limit));
  source.on('data', (chunk) => {
    length += chunk.length;
    if (length > limit) settle(tooLarge(limit));
  });
  source.on('end', () => settle());
  source.on('error', (cause) => settle(senderGone(cause)));
}

const senderGone = (cause: Error): MillraceError => new MillraceError('CANCELLED', 'the sender went away', { cause });

export function tooLarge(limit: number): MillraceError {
  return new MillraceError('BODY_TOO_LARGE', 'the body is too large: send less at once', {
    field: 'body',
    accepted: `at most ${limit} bytes, after decompression`,
  });
}

/** The media type of a Content-Type, in lower case and without its parameters; empty when there is none. */
export const mediaType = (header: string | undefined): string => header?.split(';', 1)[0]!.trim().toLowerCase() ?? '';

export function unsupportedMediaType(given: string | undefined, accepted: string): MillraceError {
  const problem = given === undefined ? 'Content-Type is missing' : 'this Content-Type is not accepted here';
  const message = `${problem}: send ${accepted}`;
  return new MillraceError('UNSUPPORTED_MEDIA_TYPE', message, {
    field: 'Content-Type',
    ...(given !== undefined && { value: given }),
    accepted,
  });
}
