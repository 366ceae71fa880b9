import { Lifecycle } from '@millrace/core';
import { adminRoutes } from './admin.ts';
import { aggregatesRoute } from './aggregates.ts';
import { batchRoute } from './batch.ts';
import { ConnectionCloser } from './closing.ts';
import type { Frontend, FrontendDependencies, FrontendFigures, FrontendOptions } from './contract.ts';
import { healthRoutes } from './health.ts';
import { FrontendMetrics, registerMetrics } from './metrics.ts';
import { documentationRoutes } from './openapi/routes.ts';
import { requestLog } from './request-log.ts';
import type { Route } from './route.ts';
import type { HttpTimeouts } from './http-server.ts';
import { createServer, listen } from './server.ts';
import { TagIntake } from './tag-intake.ts';
import { TagLane } from './tag-lane.ts';
import { userProfilesRoute } from './user-profiles.ts';
import { userTagsRoute } from './user-tags.ts';

export type * from './contract.ts';

const STOP_DEADLINE_MS = 2000;
const TIMEOUTS: HttpTimeouts = { headersMs: 10_000, requestMs: 60_000, silenceMs: 72_000 };
const LANE_TIMEOUTS = { requestTimeoutMs: TIMEOUTS.headersMs, keepAliveTimeoutMs: TIMEOUTS.silenceMs };

/**
 * The HTTP interface: takes user tags into the log, answers profiles and aggregates from the state.
 *
 * @example
 * const frontend = await createFrontend({ log, state, logger, metrics, now: Date.now, status }, options);
 * const { url } = await frontend.start();
 * await frontend.stop();   // the log and the state stay open: they are the caller's
 */
export async function createFrontend(dependencies: FrontendDependencies, options: FrontendOptions): Promise<Frontend> {
  const { log, state, logger, now, status, refresh, metrics: registry } = dependencies;
  const metrics = new FrontendMetrics();
  const figures = (): FrontendFigures => ({
    accepted: metrics.accepted,
    rejected: metrics.rejectedTotal,
    tagLatencyP99Ms: metrics.tags.percentile(0.99),
  });
  const answered = requestLog(logger, options);
  const intake = new TagIntake({ log, metrics, now, logger }, options.maxFutureMs);
  const tags = userTagsRoute(intake, answered);
  const batch = batchRoute({ log, metrics, now }, options.maxFutureMs);
  const queries: Route[] = [
    userProfilesRoute({ state, metrics }, options.defaultLimit),
    aggregatesRoute({ state, metrics }, options.maxRangeMs),
    ...healthRoutes({ metrics: registry, status }, options.maxLagMs),
    ...documentationRoutes(() => [tags, batch, ...queries]),
    ...adminRoutes({ log, state, metrics, status, figures, ...(refresh && { refresh }) }, options.adminToken),
  ];
  registerMetrics(registry, metrics, status);
  const app = await createServer({ tags, batch, queries }, TIMEOUTS, logger, answered);
  // Requests of which a log is kept all go one way.
  const lane = answered === undefined ? new TagLane(app.server, { intake, now, ...LANE_TIMEOUTS }) : undefined;
  const closer = new ConnectionCloser(app.server, lane);
  const lifecycle = new Lifecycle('frontend');
  let url = '';

  return {
    async start() {
      await lifecycle.start(async () => {
        url = await listen(app, options.host, options.port);
        logger.info({ url }, 'listening');
      });
      return { url };
    },
    stop({ deadlineMs = STOP_DEADLINE_MS } = {}) {
      return lifecycle.stop(async () => {
        const cut = await closer.drain(app.close(), deadlineMs);
        if (cut) logger.warn({ deadlineMs }, 'requests were still running at the deadline: cut off');
      });
    },
    figures,
  };
}
