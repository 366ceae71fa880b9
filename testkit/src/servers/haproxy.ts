import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { findCommand } from './find-command.ts';
import { freePort } from './free-port.ts';
import { type ServerControl, serverDirectory, startServer } from './server-process.ts';

export interface HaproxyOptions {
  /** The text of haproxy.cfg; `"${PORT}"`, in double quotes, stands for the free port, as other variables for those of `env`. */
  readonly config: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Haproxy extends ServerControl {
  readonly port: number;
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
}

/** Starts HAProxy with a configuration that binds `"127.0.0.1:${PORT}"`, and resolves when it accepts connections there. */
export async function startHaproxy(options: HaproxyOptions): Promise<Haproxy> {
  const directory = await serverDirectory('haproxy');
  const port = await freePort();
  const file = join(directory, 'haproxy.cfg');
  await writeFile(file, options.config);
  const control = await startServer(directory, {
    name: 'haproxy',
    command: findCommand('haproxy') ?? 'haproxy',
    // In the foreground, one process: the one that is killed.
    arguments: ['-db', '-f', file],
    env: { ...options.env, PORT: String(port) },
    ready: () => accepts(port),
  });
  return Object.assign(control, { port, url: `http://127.0.0.1:${port}` });
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } finally {
    socket.destroy();
  }
}
