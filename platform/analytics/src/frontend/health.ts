import { MillraceError, type Registry } from '@millrace/core';
import { Type } from 'typebox';
import type { PlatformStatus } from './contract.ts';
import { sendError } from './errors.ts';
import type { Route } from './route.ts';
import { ReadySchema } from './schemas.ts';

export interface HealthDependencies {
  readonly metrics: Registry;
  readonly status: () => PlatformStatus;
}

/** `/health`, `/ready` and `/metrics`. */
export function healthRoutes({ metrics, status }: HealthDependencies, maxLagMs: number): readonly Route[] {
  return [
    {
      methods: ['GET'],
      path: '/health',
      summary: 'Whether the process answers',
      answers: { 200: { description: 'it does; no body' } },
      handler: (_request, reply) => reply.send(),
    },
    {
      methods: ['GET'],
      path: '/ready',
      summary: 'Whether tags can be sent and queries are fresh',
      answers: { 200: { description: 'ready', schema: ReadySchema } },
      handler(_request, reply) {
        const reasons = reasonsAgainst(status(), maxLagMs);
        if (reasons.length === 0) return reply.send({ ready: true });
        const error = new MillraceError('NOT_RUNNING', `not ready: ${reasons.join('; ')}`);
        return sendError(reply, error, { ready: false, reasons });
      },
    },
    {
      methods: ['GET'],
      path: '/metrics',
      summary: 'Figures for Prometheus',
      answers: { 200: { description: 'metrics', mediaType: 'text/plain', schema: Type.String() } },
      handler: async (_request, reply) => reply.type(metrics.contentType).send(await metrics.metrics()),
    },
  ];
}

function reasonsAgainst(
  { state, logWritable, stateReadable, processorRunning, lag }: PlatformStatus,
  maxLagMs: number,
): readonly string[] {
  const reasons: string[] = [];
  if (state !== 'running') reasons.push(`the platform is ${state}`);
  if (!logWritable) reasons.push('the log takes no records');
  if (!stateReadable) reasons.push('the state cannot be read');
  if (processorRunning === false) reasons.push('the processor has ended and is not running again yet');
  if (lag.ms > maxLagMs) reasons.push(`the processor is ${lag.ms} ms behind, more than ${maxLagMs} ms`);
  return reasons;
}
