import type { MessagePort } from 'node:worker_threads';
import type { ErrorCode, LoggerOptions, StateOptions } from '@millrace/core';
import type { Progress } from './processor.ts';

/** What a processor in another thread or process is started with. */
export interface WorkerSettings {
  readonly logUrl: string;
  /** Whether the owner of the log serves it, since nobody else can open it. */
  readonly logServed: boolean;
  readonly stateUrl: string;
  readonly state: Omit<StateOptions, 'logger'>;
  readonly group: string;
  /** Whether processors elsewhere may share the group's partitions. */
  readonly shared: boolean;
  readonly logLevel: LoggerOptions['level'];
}

/** A thread besides gets the end of the channel over which the log is served; a child process has only one channel. */
export interface ThreadSettings extends WorkerSettings {
  readonly logPort: MessagePort | undefined;
}

/** To the worker. `stop` applies what is durable by then, within the time given, and ends. */
export type Command =
  | { readonly type: 'start'; readonly settings: WorkerSettings }
  | { readonly type: 'stop'; readonly drainMs: number }
  | { readonly type: 'pause' }
  | { readonly type: 'resume' };

/** From the worker. */
export type Report =
  | { readonly type: 'ready' }
  | { readonly type: 'progress'; readonly progress: Progress }
  | { readonly type: 'log'; readonly line: string }
  | { readonly type: 'failed'; readonly code: ErrorCode; readonly message: string };

/** Whether a message is one of these: the channel of a child process also carries those of the log. */
export const isOurs = (message: unknown): message is Command | Report =>
  typeof message === 'object' && message !== null && 'type' in message;
