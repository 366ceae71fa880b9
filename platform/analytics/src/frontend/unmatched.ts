import { MillraceError } from '@millrace/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { sendError } from './errors.ts';
import type { RouteDescription } from './route.ts';

/** Answers what no route takes: OPTIONS, a wrong method (405 with Allow), an unknown path (404 with what there is). */
export function answerUnmatched(
  routes: readonly RouteDescription[],
): (request: FastifyRequest, reply: FastifyReply) => FastifyReply {
  const patterns = routes.map(({ path, methods }) => ({
    pattern: new RegExp(`^${path.replaceAll(/:\w+/g, '[^/]+')}$`),
    methods,
  }));
  const known = routes.map(({ path, methods }) => `${methods.join(',')} ${path}`);
  return (request, reply) => {
    const path = request.url.split('?', 1)[0]!;
    const methods = new Set<string>(
      patterns.filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => methods),
    );
    if (methods.size === 0) return sendError(reply, unknownPath(path, known));
    if (methods.has('GET')) methods.add('HEAD');
    const allow = [...methods, 'OPTIONS'].join(', ');
    if (request.method === 'OPTIONS') return reply.code(204).header('allow', allow).send();
    const error = new MillraceError('METHOD_NOT_ALLOWED', `${path} does not take ${request.method}`, {
      field: 'method',
      value: request.method,
      accepted: allow,
    });
    return sendError(reply, error);
  };
}

const unknownPath = (path: string, known: readonly string[]): MillraceError =>
  new MillraceError('NOT_FOUND', 'there is nothing at this path', {
    field: 'path',
    value: path,
    accepted: known.join('; '),
  });
