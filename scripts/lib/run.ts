import { spawn } from 'node:child_process';

/** Runs a command with this process's output. @returns its exit code, 1 when a signal ended it */
export function run(command: readonly [string, ...string[]], cwd: string): Promise<number> {
  const [name, ...args] = command;
  return new Promise((resolve, reject) => {
    // Windows knows the commands of node_modules/.bin as scripts, which only a shell can start.
    const child = spawn(name, args, {
      cwd,
      stdio: ['ignore', 'inherit', 'inherit'],
      shell: process.platform === 'win32',
    });
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
}
