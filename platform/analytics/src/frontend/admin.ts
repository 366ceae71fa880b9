import { MillraceError, type DeadLetter, type LogAppender, type StateReader } from '@millrace/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { encodeRetry } from '../codec.ts';
import { checkAdminAccess } from './access.ts';
import type { FrontendFigures, PlatformStatus } from './contract.ts';
import type { FrontendMetrics } from './metrics.ts';
import { invalidParameter, readQuery } from './parameters.ts';
import type { Parameter, Route } from './route.ts';
import { DeadLetterSchema, DeadLettersSchema, RetrySchema, type DeadLetterAnswer } from './schemas.ts';

const LETTER_ID = /^\d+-\d+$/;
const LETTER_ID_FORM = '<partition>-<offset>, as 3-4711';
const DEFAULT_LETTERS = 100;
const MAX_LETTERS = 1000;

export interface AdminDependencies {
  readonly log: LogAppender;
  readonly state: StateReader;
  readonly metrics: FrontendMetrics;
  readonly status: () => PlatformStatus;
  readonly figures: () => FrontendFigures;
  readonly refresh?: () => Promise<void>;
}

const ID: Parameter = {
  name: 'id',
  in: 'path',
  required: true,
  description: LETTER_ID_FORM,
  schema: Type.String({ pattern: LETTER_ID.source }),
};

const LIST_PARAMETERS: readonly Parameter[] = [
  { name: 'after', in: 'query', description: `continue after this id: ${LETTER_ID_FORM}`, schema: ID.schema },
  {
    name: 'limit',
    in: 'query',
    description: 'at most so many',
    schema: Type.Integer({ default: DEFAULT_LETTERS, minimum: 1, maximum: MAX_LETTERS }),
  },
];

const UNAUTHORIZED = { 401: { description: 'neither from this machine nor with the token' } } as const;
const NOT_FOUND = { 404: { description: 'there is no such dead letter' } } as const;

/** `/admin/*`: for this machine, or for holders of the token. */
export function adminRoutes(dependencies: AdminDependencies, token: string | undefined): readonly Route[] {
  const { log, state, metrics, status, figures, refresh } = dependencies;
  const routes: readonly Route[] = [
    {
      methods: ['GET'],
      path: '/admin/status',
      summary: 'Live figures of the platform',
      answers: { 200: { description: 'figures', schema: Type.Object({}) } },
      async handler() {
        await refresh?.();
        return { ...status(), frontend: { ...figures(), rejectedByCode: metrics.rejectedByCode } };
      },
    },
    {
      methods: ['GET'],
      path: '/admin/dead-letters',
      summary: 'Records that could not be processed, oldest first',
      parameters: LIST_PARAMETERS,
      answers: { 200: { description: 'a page of them', schema: DeadLettersSchema } },
      async handler(request) {
        const query = readQuery(request, LIST_PARAMETERS);
        const after = query.text('after');
        if (after !== undefined && !LETTER_ID.test(after)) throw invalidParameter('after', after, LETTER_ID_FORM);
        const limit = query.integer('limit', DEFAULT_LETTERS, { min: 1, max: MAX_LETTERS });
        const letters = await state.deadLetters({ ...(after !== undefined && { after }), limit });
        return {
          deadLetters: letters.map(toAnswer),
          ...(letters.length === limit && { next: letters.at(-1)!.id }),
        };
      },
    },
    {
      methods: ['GET'],
      path: '/admin/dead-letters/:id',
      summary: 'One dead letter',
      parameters: [ID],
      answers: { 200: { description: 'the dead letter', schema: DeadLetterSchema }, ...NOT_FOUND },
      handler: async (request) => toAnswer(await letterOf(request)),
    },
    {
      methods: ['POST'],
      path: '/admin/dead-letters/:id/retry',
      summary: 'Sends a dead letter through the log once more',
      description: 'When it can be processed now, it disappears from the dead letters.',
      parameters: [ID],
      answers: { 202: { description: 'it is in the log again', schema: RetrySchema }, ...NOT_FOUND },
      async handler(request, reply) {
        const letter = await letterOf(request);
        const [position] = await log.append([encodeRetry(letter.id, letter)]);
        return reply.code(202).send({ id: letter.id, ...position });
      },
    },
  ];
  return routes.map((route) => guarded(route, token));

  async function letterOf(request: FastifyRequest): Promise<DeadLetter> {
    const { id } = request.params as { id: string };
    if (!LETTER_ID.test(id)) throw invalidParameter('id', id, LETTER_ID_FORM);
    const letter = await state.deadLetter(id);
    if (letter !== undefined) return letter;
    throw new MillraceError('NOT_FOUND', `there is no dead letter ${id}: it may have been retried already`, {
      field: 'id',
      value: id,
    });
  }
}

function guarded(route: Route, token: string | undefined): Route {
  return {
    ...route,
    answers: { ...route.answers, ...UNAUTHORIZED },
    handler(request: FastifyRequest, reply: FastifyReply) {
      checkAdminAccess(request.raw, token);
      return route.handler(request, reply);
    },
  };
}

function toAnswer({ id, partition, offset, appendedAt, code, reason, key, value }: DeadLetter): DeadLetterAnswer {
  return {
    id,
    partition,
    offset,
    appendedAt: new Date(appendedAt).toISOString(),
    code,
    reason,
    key: key ?? null,
    value: Buffer.from(value).toString('base64'),
  };
}
