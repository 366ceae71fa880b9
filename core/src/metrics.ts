import { collectDefaultMetrics, Registry } from 'prom-client';

// Every package of ours takes the metric classes from here: a registry and its metrics must be of one prom-client.
export { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Upper bounds, in seconds, for histograms of latency: from an append in memory to a query that is far too slow. */
export const LATENCY_BUCKETS: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

export interface MetricsOptions {
  /** Also collect memory, CPU, event loop delay and garbage collection of this process. Default true. */
  readonly process?: boolean;
}

/**
 * A registry of its own: two platforms in one process do not mix their figures. Names are `millrace_<what>_<unit>`, in
 * base units (seconds, bytes), with `_total` on counters.
 *
 * @example
 * const metrics = createMetrics();
 * const latency = new Histogram({
 *   name: 'millrace_http_request_seconds', help: 'Time from request to answer', buckets: [...LATENCY_BUCKETS], registers: [metrics],
 * });
 */
export function createMetrics({ process = true }: MetricsOptions = {}): Registry {
  const registry = new Registry();
  if (process) collectDefaultMetrics({ register: registry });
  return registry;
}
