import type { LogAppender, LogReader } from '@millrace/core';

/** The two ends of a log; one object has both where they are one. */
export interface OpenLog {
  readonly appender: LogAppender;
  readonly reader: LogReader;
}

export interface EventLogTarget extends OpenLog {
  /** Closes both ends and opens the same log again. */
  reopen(): Promise<OpenLog>;
  /** Closes what is open and removes what it left behind. */
  close(): Promise<void>;
}
