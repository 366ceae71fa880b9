import type { MessagePort } from 'node:worker_threads';
import type { ErrorCode, LoggerOptions, StateOptions } from '@millrace/core';
import type { Progress } from './processor.ts';

/** What the worker thread is started with. */
export interface WorkerSettings {
  readonly logUrl: string;
  /** The end of the channel over which the main thread serves the log. */
  readonly logPort: MessagePort;
  readonly stateUrl: string;
  readonly state: Omit<StateOptions, 'logger'>;
  readonly group: string;
  readonly logLevel: LoggerOptions['level'];
}

/** From the main thread to the worker. `stop` applies what is durable by then, within the time given, and ends. */
export type Command =
  | { readonly type: 'stop'; readonly drainMs: number }
  | { readonly type: 'pause' }
  | { readonly type: 'resume' };

/** From the worker to the main thread. */
export type Report =
  | { readonly type: 'ready' }
  | { readonly type: 'progress'; readonly progress: Progress }
  | { readonly type: 'log'; readonly line: string }
  | { readonly type: 'failed'; readonly code: ErrorCode; readonly message: string };
