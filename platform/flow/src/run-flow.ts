import {
  DeadLetterFile,
  MillraceError,
  openPublisher,
  openSubscriber,
  RouterPublisher,
  toMillraceError,
} from '@millrace/core';
import type { Logger, Message, Publisher, PublisherDetails, Subscriber, SubscriberDetails } from '@millrace/core';
import type { Flow } from './flow.ts';
import { Origin, settle } from './origin.ts';
import type { Unit } from './origin.ts';
import { Pipeline } from './pipeline.ts';

/** Messages under way at most, unless the source's `max_depth` says otherwise: enough to keep sinks busy. */
const WINDOW = 1000;
const DRAIN_MS = 30_000;

export interface RunFlowOptions {
  /** Ends it in order: what has been received is finished. */
  readonly signal?: AbortSignal;
  /** Ends it as well when nothing has come for so long, milliseconds. Default: only where the source ends. */
  readonly idleMs?: number;
  readonly logger?: Logger;
  /** Called about once a second, and at the end. */
  readonly progress?: (statistics: FlowStatistics) => void;
}

/** At any moment received = acknowledged + in_flight. */
export interface FlowStatistics {
  readonly received: number;
  readonly acknowledged: number;
  readonly in_flight: number;
  /** Messages that a step made nothing of. */
  readonly filtered: number;
  /** Messages that all their sinks have taken. */
  readonly published: number;
  /** Messages in the dead letters, because a step or a sink did not take them. */
  readonly dead_letters: number;
  readonly source: SubscriberDetails;
  readonly sinks: Readonly<Record<string, PublisherDetails>>;
}

/**
 * Runs a flow until its source ends, the signal aborts, or nothing has come for a while. A message is acknowledged to
 * the source once all sinks have taken everything that it became, or it is in the dead letters: at least once.
 *
 * @example
 * const { received, published } = await runFlow(await readFlow('flow.yaml'), { signal });
 *
 * @throws what opening a source or sink throws, UNAVAILABLE when the dead letters cannot be written, TIMEOUT when sinks
 * did not take everything within 30 s of the signal
 */
export async function runFlow(flow: Flow, options: RunFlowOptions = {}): Promise<FlowStatistics> {
  const running = await RunningFlow.open(flow, options);
  const timer = setInterval(() => options.progress?.(running.statistics()), 1000);
  try {
    await running.run(options);
  } finally {
    clearInterval(timer);
    await running.close();
  }
  const statistics = running.statistics();
  options.progress?.(statistics);
  return statistics;
}

class RunningFlow {
  readonly #flow: Flow;
  readonly #source: Subscriber;
  readonly #sinks: Readonly<Record<string, Publisher>>;
  readonly #outlets: readonly Publisher[];
  readonly #pipeline: Pipeline;
  readonly #deadLetters: DeadLetterFile;
  readonly #logger: Logger | undefined;
  /** Aborts when the flow cannot go on. */
  readonly #broken = new AbortController();
  readonly #deliveries = new Set<Promise<void>>();
  readonly #window: number;
  /** Ends the wait for room. */
  #settled: (() => void) | undefined;
  #received = 0;
  #acknowledged = 0;
  #filtered = 0;
  #published = 0;

  private constructor(flow: Flow, source: Subscriber, sinks: Readonly<Record<string, Publisher>>, logger?: Logger) {
    this.#flow = flow;
    this.#window = source.details().max_depth;
    this.#source = source;
    this.#sinks = sinks;
    this.#logger = logger;
    this.#deadLetters = new DeadLetterFile(flow.deadLetters ?? `dead_letters_${flow.name}.jsonl`);
    this.#outlets = flow.router === undefined ? Object.values(sinks) : [routerOf(flow, sinks)];
    this.#pipeline = new Pipeline(flow.steps ?? [], {
      deliver: (unit) => this.#track(this.#deliver(unit)),
      failed: (unit, step, error) => this.#track(this.#bury(unit, step, error)),
      filtered: () => void this.#filtered++,
    });
  }

  static async open(flow: Flow, { logger }: RunFlowOptions): Promise<RunningFlow> {
    const common = logger === undefined ? {} : { logger };
    const opened: { close(): Promise<void> }[] = [];
    try {
      const sinks: Record<string, Publisher> = {};
      for (const [name, { url, ...config }] of Object.entries(flow.sinks)) {
        sinks[name] = await openPublisher(url, { name, ...common, ...config });
        opened.push(sinks[name]);
      }
      const { url, ...config } = flow.source;
      const depth = Math.max(WINDOW, ...(flow.steps ?? []).map((step) => ('batch' in step ? step.batch.size * 2 : 0)));
      const given = 'maxDepth' in config || 'max_depth' in config ? {} : { maxDepth: depth };
      const source = await openSubscriber(url, { name: flow.name, ...common, ...config, ...given, ack: 'manual' });
      opened.push(source);
      const running = new RunningFlow(flow, source, sinks, logger);
      await Promise.all(running.#outlets.map((outlet) => outlet.start()));
      return running;
    } catch (error) {
      await Promise.allSettled(opened.map((one) => one.close()));
      throw error;
    }
  }

  async run({ signal, idleMs }: RunFlowOptions): Promise<void> {
    const end = AbortSignal.any([this.#broken.signal, ...(signal === undefined ? [] : [signal])]);
    while (!end.aborted) {
      // A source that takes no acknowledgement gives without an end.
      if (this.#received - this.#acknowledged >= this.#window) {
        await this.#room(end);
        continue;
      }
      const message = await this.#next(end, idleMs);
      if (message === undefined) break;
      this.#received++;
      await this.#pipeline.take({ message, origins: [new Origin(message, (done) => this.#acknowledge(done))] });
    }
    await this.#pipeline.flush();
    await this.#drain(signal);
    if (this.#broken.signal.aborted) throw this.#broken.signal.reason;
  }

  statistics(): FlowStatistics {
    return {
      received: this.#received,
      acknowledged: this.#acknowledged,
      in_flight: this.#received - this.#acknowledged,
      filtered: this.#filtered,
      published: this.#published,
      dead_letters: this.#deadLetters.written,
      source: this.#source.details(),
      sinks: Object.fromEntries(Object.entries(this.#sinks).map(([name, sink]) => [name, sink.details()])),
    };
  }

  async close(): Promise<void> {
    const stuck = this.#deliveries.size > 0;
    await this.#source.close();
    await Promise.allSettled(this.#outlets.map((outlet) => outlet.close(stuck ? { deadlineMs: 0 } : {})));
    await Promise.allSettled(this.#deliveries);
  }

  async #next(signal: AbortSignal, idleMs: number | undefined): Promise<Message | undefined> {
    try {
      return await this.#source.next({ signal, ...(idleMs === undefined ? {} : { timeoutMs: idleMs }) });
    } catch (error) {
      if (signal.aborted) return undefined;
      throw error;
    }
  }

  async #room(end: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const settled = (): void => resolve();
    this.#settled = settled;
    end.addEventListener('abort', settled);
    await promise;
    end.removeEventListener('abort', settled);
    this.#settled = undefined;
  }

  /** Waits for the sinks: without an end, unless somebody waits for the flow to end. */
  async #drain(signal: AbortSignal | undefined): Promise<void> {
    const { promise: over, resolve } = Promise.withResolvers<'over'>();
    let timer: NodeJS.Timeout | undefined;
    const start = (): void => {
      timer ??= setTimeout(() => resolve('over'), DRAIN_MS);
    };
    if (signal?.aborted === true) start();
    else signal?.addEventListener('abort', start, { once: true });
    this.#broken.signal.addEventListener('abort', () => resolve('over'), { once: true });
    try {
      while (this.#deliveries.size > 0 && !this.#broken.signal.aborted) {
        const drained = await Promise.race([Promise.all(this.#deliveries), over]);
        if (drained === 'over' && !this.#broken.signal.aborted) throw this.#notDrained();
      }
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', start);
    }
  }

  #notDrained(): MillraceError {
    const count = this.#received - this.#acknowledged;
    const message = `flow "${this.#flow.name}": its sinks did not take ${count} messages within ${DRAIN_MS} ms; the source still has them, if it keeps what is not acknowledged`;
    return new MillraceError('TIMEOUT', message, { field: 'in_flight', value: count });
  }

  #track(delivery: Promise<void>): void {
    const tracked = delivery.catch((error: unknown) => this.#broken.abort(error));
    this.#deliveries.add(tracked);
    void tracked.then(() => this.#deliveries.delete(tracked));
  }

  async #deliver(unit: Unit): Promise<void> {
    const outcomes = await Promise.allSettled(this.#outlets.map((outlet) => outlet.publish(unit.message)));
    const at = outcomes.findIndex(({ status }) => status === 'rejected');
    const failed = outcomes[at];
    if (failed?.status === 'rejected') {
      // Closed before it was sent: it stays unacknowledged.
      if (['TIMEOUT', 'NOT_RUNNING'].includes(toMillraceError(failed.reason).code)) return;
      await this.#bury(unit, `sink ${this.#outlets[at]!.name}`, failed.reason);
    } else {
      this.#published++;
      settle(unit);
    }
  }

  async #bury(unit: Unit, where: string, cause: unknown): Promise<void> {
    const { code, message } = toMillraceError(cause);
    const { name: flow } = this.#flow;
    this.#logger?.warn({ flow, code }, `${where}: a message goes to the dead letters: ${message}`);
    this.#logger?.debug({ err: cause, flow }, `${where}: this is why`);
    await this.#deadLetters.write({
      timestamp: new Date().toISOString(),
      flow,
      where,
      code,
      message,
      key: unit.message.key ?? null,
      data: unit.message.value,
    });
    settle(unit);
  }

  #acknowledge(message: Message): void {
    this.#acknowledged++;
    this.#source.acknowledge(message);
    this.#settled?.();
  }
}

function routerOf({ name, router }: Flow, routes: Readonly<Record<string, Publisher>>): Publisher {
  return new RouterPublisher(name, {
    routes,
    resolver: (message) => router?.(message.value, message),
    deadLetters: `unrouted_messages_${name}.jsonl`,
  });
}
