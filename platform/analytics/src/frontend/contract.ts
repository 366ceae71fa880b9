import type { LogAppender, Logger, Registry, StateReader } from '@millrace/core';

/** Live figures of the whole platform, as the frontend shows them in `/ready`, `/metrics` and `/admin/status`. */
export interface PlatformStatus {
  readonly state: 'starting' | 'running' | 'stopping' | 'stopped' | 'failed';
  /** Whether an append would be taken right now. */
  readonly logWritable: boolean;
  /** Whether queries can be answered. */
  readonly stateReadable: boolean;
  /** False from the death of a processor until the next one applies tags; absent where processors run by themselves. */
  readonly processorRunning?: boolean;
  /** What is durable in the log and not yet in the state, at the time of asking. */
  readonly lag: { readonly records: number; readonly ms: number };
  /** The same per partition, where each has offsets of its own. */
  readonly partitions?: readonly { readonly partition: number; readonly records: number; readonly ms: number }[];
  /** Tags acknowledged since the start. */
  readonly accepted: number;
  /** Since the start, by the processor of this process; absent where there is none. */
  readonly applied?: number;
  readonly late: number;
  readonly duplicates: number;
  /** Dead letters that wait for someone. */
  readonly deadLetters: number;
  /** Undefined where the log does not say, as that on Kafka. */
  readonly logBytes: number | undefined;
  /** Undefined where the state does not say. */
  readonly stateBytes: number | undefined;
  /** Event time up to which all active partitions are applied, milliseconds; undefined when the state is empty. */
  readonly clock?: number;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
}

export interface FrontendOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** Tags per list of a profile when the query has no `limit`. */
  readonly defaultLimit: number;
  /** Longest time range of an aggregates query. */
  readonly maxRangeMs: number;
  /** A tag dated further ahead of `now` is refused. */
  readonly maxFutureMs: number;
  /**
   * Whether requests may be logged at all. They are logged when the logger's level is `debug`, or when headers or
   * bodies are asked for: a line per tag would cost more than the tag.
   */
  readonly logRequests: boolean;
  readonly logHeaders: boolean;
  readonly logBody: boolean;
  /** A processor further behind makes `/ready` answer 503. */
  readonly maxLagMs: number;
  /** Opens `/admin` to other machines; undefined leaves it to this one. */
  readonly adminToken: string | undefined;
}

export interface FrontendDependencies {
  readonly log: LogAppender;
  readonly state: StateReader;
  readonly logger: Logger;
  readonly metrics: Registry;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly status: () => PlatformStatus;
  /** Makes `status` tell what holds at the time of the call, where that takes asking a server. */
  readonly refresh?: () => Promise<void>;
}

export interface FrontendFigures {
  /** Tags acknowledged since the start. */
  readonly accepted: number;
  /** Tags refused since the start, of batches too. */
  readonly rejected: number;
  /** Over the last five to ten seconds of `POST /user_tags`; 0 when there were none. */
  readonly tagLatencyP99Ms: number;
}

export interface Frontend {
  /** Listens. @throws INVALID_OPTION (rejection) when the address cannot be had */
  start(): Promise<{ readonly url: string }>;
  /** Stops accepting, answers what is in flight for at most `deadlineMs` (2000 by default), then cuts it off. */
  stop(options?: { readonly deadlineMs?: number }): Promise<void>;
  figures(): FrontendFigures;
}
