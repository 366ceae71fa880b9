import { Counter, Gauge, LATENCY_BUCKETS, toMillraceError, type Registry } from '@millrace/core';
import type { PlatformStatus } from './contract.ts';
import { LatencyRecorder } from './latency.ts';

/**
 * The frontend's counts. Handlers bump plain fields, which costs nothing; the registry reads them when it is asked.
 */
export class FrontendMetrics {
  accepted = 0;
  readonly tags = new LatencyRecorder();
  readonly batches = new LatencyRecorder();
  readonly profiles = new LatencyRecorder();
  readonly aggregates = new LatencyRecorder();
  readonly #rejected = new Map<string, number>();

  /** Counts refused tags by the code of their error. */
  rejected(error: unknown, tags = 1): void {
    const { code } = toMillraceError(error);
    this.#rejected.set(code, (this.#rejected.get(code) ?? 0) + tags);
  }

  get rejectedTotal(): number {
    let sum = 0;
    for (const count of this.#rejected.values()) sum += count;
    return sum;
  }

  get rejectedByCode(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#rejected);
  }
}

/** Shows the frontend's and the platform's figures in the registry. */
export function registerMetrics(registry: Registry, metrics: FrontendMetrics, status: () => PlatformStatus): void {
  registerCounter(registry, 'millrace_tags_accepted_total', 'Tags acknowledged', () => metrics.accepted);
  const rejected = new Counter({
    name: 'millrace_tags_rejected_total',
    help: 'Tags refused, by the code of the error',
    labelNames: ['code'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [code, count] of Object.entries(metrics.rejectedByCode)) this.inc({ code }, count);
    },
  });
  rejected.reset();
  registry.registerMetric(latencyMetric(metrics) as unknown as Gauge);

  registerCounter(registry, 'millrace_tags_late_total', 'Tags older than the retention', () => status().late);
  registerCounter(
    registry,
    'millrace_tags_duplicate_total',
    'Tags dropped by Idempotency-Key',
    () => status().duplicates,
  );
  registerGauge(registry, 'millrace_lag_records', 'Records not applied yet', () => status().lag.records);
  registerGauge(registry, 'millrace_lag_seconds', 'Age of the oldest record not applied', () => status().lag.ms / 1000);
  registerGauge(registry, 'millrace_log_writable', '1 while the log takes records', () =>
    status().logWritable ? 1 : 0,
  );
  registerGauge(registry, 'millrace_log_bytes', 'Size of the event log', () => status().logBytes);
  registerGauge(registry, 'millrace_state_bytes', 'Size of the state', () => status().stateBytes);
  registerGauge(registry, 'millrace_dead_letters', 'Records that wait for someone', () => status().deadLetters);
}

/** A count that someone else keeps, read whenever the registry is asked. */
export function registerCounter(registry: Registry, name: string, help: string, value: () => number): void {
  const metric = new Counter({
    name,
    help,
    registers: [registry],
    collect() {
      this.reset();
      this.inc(value());
    },
  });
  metric.reset();
}

/** A figure that someone else keeps, read whenever the registry is asked; no line while it is unknown. */
export function registerGauge(registry: Registry, name: string, help: string, value: () => number | undefined): void {
  const metric = new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      const known = value();
      if (known === undefined) this.remove();
      else this.set(known);
    },
  });
  metric.reset();
}

interface Sample {
  readonly metricName: string;
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number>>;
}

/** The recorders as one histogram. The library's own would cost a microsecond per tag. */
function latencyMetric(metrics: FrontendMetrics): { name: string; get(): Promise<object>; reset(): void } {
  const name = 'millrace_http_request_seconds';
  const routes = {
    user_tags: metrics.tags,
    batch: metrics.batches,
    profiles: metrics.profiles,
    aggregates: metrics.aggregates,
  };
  return {
    name,
    async get() {
      const values = Object.entries(routes).flatMap(([route, recorder]) => samples(name, route, recorder));
      return { name, help: 'Time from the parsed request to its answer', type: 'histogram', values, aggregator: 'sum' };
    },
    // The registry asks for it; these counts live as long as the frontend.
    reset() {},
  };
}

function samples(name: string, route: string, recorder: LatencyRecorder): Sample[] {
  const counts = recorder.cumulative(LATENCY_BUCKETS);
  return [
    ...LATENCY_BUCKETS.map((le, index) => ({
      metricName: `${name}_bucket`,
      labels: { route, le },
      value: counts[index]!,
    })),
    { metricName: `${name}_bucket`, labels: { route, le: '+Inf' }, value: recorder.count },
    { metricName: `${name}_sum`, labels: { route }, value: recorder.sumMs / 1000 },
    { metricName: `${name}_count`, labels: { route }, value: recorder.count },
  ];
}
