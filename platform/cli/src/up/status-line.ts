import { toMillraceError } from '@millrace/core';
import type { Logger } from '@millrace/core';
import { createLogUpdate } from 'log-update';
import { createClient } from '../platform-client.ts';
import type { StatusAnswer } from '../status.ts';
import { readStatus } from '../status.ts';
import type { Terminal } from '../terminal.ts';
import { counted, grouped, roundedBytes } from '../terminal.ts';

const LIVE_EVERY_MS = 1000;
const PLAIN_EVERY_MS = 10_000;

export interface StatusLineOptions {
  readonly url: string;
  readonly adminToken: string;
  readonly terminal: Terminal;
  readonly logger: Logger;
}

/** Shows how the platform is doing: one live line on a screen, else a line every ten seconds when something changed. */
export function startStatusLine({ url, adminToken, terminal, logger }: StatusLineOptions): { stop(): void } {
  const platform = createClient(url, adminToken);
  const live = terminal.interactive ? createLogUpdate(terminal.stdout) : undefined;
  const every = terminal.interactive ? LIVE_EVERY_MS : PLAIN_EVERY_MS;
  let before: StatusAnswer | undefined;
  let stopped = false;
  const show = async (): Promise<void> => {
    const status = await readStatus(platform);
    const changed = before === undefined ? status.accepted > 0 : status.accepted !== before.accepted;
    const line = statusText(status, before, every);
    before = status;
    if (stopped) return;
    if (live !== undefined) live(line);
    else if (changed) terminal.print(line);
  };
  const timer = setInterval(() => {
    show().catch((error: unknown) => logger.warn({ err: toMillraceError(error) }, 'the status cannot be read'));
  }, every);
  return {
    stop() {
      stopped = true;
      clearInterval(timer);
      live?.done();
    },
  };
}

export function statusText(status: StatusAnswer, before: StatusAnswer | undefined, sinceMs: number): string {
  const rate = ((status.accepted - (before?.accepted ?? 0)) * 1000) / sinceMs;
  const letters = status.deadLetters === 0 ? '' : `, ${counted(status.deadLetters, 'dead letter')}`;
  const sizes = [status.logBytes, status.stateBytes].filter((bytes) => bytes !== undefined);
  const disk = sizes.length === 0 ? '' : `, disk ${roundedBytes(sizes.reduce((sum, bytes) => sum + bytes, 0))}`;
  return (
    `${counted(status.accepted, 'tag')}, ${grouped(Math.round(rate))}/s, ` +
    `p99 ${grouped(status.frontend.tagLatencyP99Ms)} ms, ${grouped(status.lag.ms)} ms behind${disk}${letters}`
  );
}
