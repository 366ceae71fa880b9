import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type, type TSchema } from 'typebox';

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly description: string;
  readonly required?: boolean;
  /** May be given more than once. */
  readonly repeated?: boolean;
  readonly schema: TSchema;
}

export interface Answer {
  readonly description: string;
  readonly schema?: TSchema;
  /** Default `application/json`. */
  readonly mediaType?: string;
}

/** What the published document says about a path of the interface. */
export interface RouteDescription {
  readonly methods: readonly ('GET' | 'POST')[];
  /** `:name` stands for a parameter. */
  readonly path: string;
  readonly summary: string;
  readonly description?: string;
  readonly parameters?: readonly Parameter[];
  readonly body?: { readonly required: boolean; readonly content: Readonly<Record<string, TSchema>> };
  /** By status, without the errors of {@link COMMON_ERRORS}. */
  readonly answers: Readonly<Record<number, Answer>>;
}

export interface Route extends RouteDescription {
  readonly handler: (request: FastifyRequest, reply: FastifyReply) => unknown;
}

/** Answers on Node's own objects: for the one path where what a framework costs is paid for every tag. */
export interface DirectRoute extends RouteDescription {
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void;
}

/** What any route may answer. */
export const COMMON_ERRORS = {
  400: { description: 'a parameter, header or body is wrong; the error names it' },
  413: { description: 'the body is too large' },
  500: { description: 'a fault of the server' },
  503: { description: 'not possible at the moment; Retry-After says when to try again' },
} as const satisfies Record<number, Answer>;

export const ERRORS_OF_POST = {
  415: { description: 'Content-Type is missing or not accepted' },
} as const satisfies Record<number, Answer>;

export const IDEMPOTENCY_KEY: Parameter = {
  name: 'Idempotency-Key',
  in: 'header',
  description: 'repeats of a tag with the same key are stored and counted once within ten minutes',
  schema: Type.String({ minLength: 1, maxLength: 255, pattern: '^[!-~]+$' }),
};
