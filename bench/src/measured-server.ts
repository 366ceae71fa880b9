import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { caughtUp, platformFigures, startMillrace } from '@millrace/testkit';

/** A server in a process of its own, under load. */
export interface MeasuredServer {
  readonly url: string;
  readonly pid: number;
  /** Resolves when what it has taken is done with. */
  settled(signal: AbortSignal): Promise<void>;
  /** How far its work is behind what it has taken, milliseconds. */
  lagMs(): Promise<number>;
  stop(): Promise<void>;
}

const BARE_SERVER = fileURLToPath(new URL('bare-server.ts', import.meta.url));

/** Bare node:http that answers 204: the limit that everything on Node.js is compared with. */
export async function startBareServer(): Promise<MeasuredServer> {
  const child = spawn(process.execPath, [BARE_SERVER], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return {
    url: line.toString().trim(),
    pid: child.pid!,
    settled: () => Promise.resolve(),
    lagMs: () => Promise.resolve(0),
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

/** `millrace up` on an empty data directory. */
export async function startPlatform(workDirectory: string): Promise<MeasuredServer> {
  const platform = await startMillrace({ dataDirectory: join(workDirectory, 'data') });
  return {
    url: platform.url,
    pid: platform.pid,
    async settled(signal) {
      await caughtUp(platform.url, signal);
    },
    async lagMs() {
      return (await platformFigures(platform.url)).lag.ms;
    },
    async stop() {
      const { code } = await platform.stop();
      if (code !== 0) throw new Error(`millrace up ended with ${code}:\n${platform.output()}`);
    },
  };
}
