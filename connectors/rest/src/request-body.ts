import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ByteBudget } from './byte-budget.ts';

export type RequestBody = Buffer | 'too large' | 'no room' | 'gone';

/**
 * Reads the body of a request. What it takes counts against the budget until the request is answered, or its sender has
 * gone. Never rejects: anybody may open a connection and leave in the middle.
 */
export function readBody(
  request: IncomingMessage,
  response: ServerResponse,
  maxBytes: number,
  budget: ByteBudget,
): Promise<RequestBody> {
  // As long as it says, which Node holds it to; without a length, what has come.
  const said = Number(request.headers['content-length'] ?? 0);
  if (said > maxBytes) return Promise.resolve('too large');
  if (!budget.take(said)) return Promise.resolve('no room');
  let taken = said;
  response.on('close', () => budget.give(taken));
  const { promise, resolve } = Promise.withResolvers<RequestBody>();
  let parts: Buffer[] = [];
  let length = 0;
  let isRefused = false;
  const refuse = (why: 'too large' | 'no room'): void => {
    isRefused = true;
    parts = [];
    resolve(why);
  };
  request.on('data', (part: Buffer) => {
    if (isRefused) return;
    length += part.length;
    const more = Math.max(0, length - taken);
    if (length > maxBytes) refuse('too large');
    else if (more > 0 && !budget.take(more)) refuse('no room');
    else {
      taken += more;
      parts.push(part);
    }
  });
  request.on('end', () => resolve(Buffer.concat(parts)));
  for (const event of ['error', 'close']) request.on(event, () => resolve('gone'));
  return promise;
}
