import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { MILLRACE_MAIN } from '@millrace/testkit';
import { afterEach, describe, expect, it } from 'vitest';

/** Nothing listens there. */
const BACKENDS = { MILLRACE_LOG: 'kafka://127.0.0.1:9/tags', MILLRACE_STATE: 'redis://127.0.0.1:1' };
let child: ChildProcess | undefined;
afterEach(() => void child?.kill('SIGKILL'));

function start(role: string): { readonly output: () => string } {
  let output = '';
  child = spawn(process.execPath, [MILLRACE_MAIN, role], { stdio: 'pipe', env: { ...process.env, ...BACKENDS } });
  for (const stream of [child.stdout!, child.stderr!])
    stream.setEncoding('utf8').on('data', (text) => (output += text));
  return { output: () => output };
}

describe.each(['processor', 'frontend'])('a %s whose backends are away', (role) => {
  it('says what it waits for, and stops within five seconds', async () => {
    const { output } = start(role);
    await expect.poll(output, { timeout: 20_000 }).toContain('waiting for the log');
    expect(output()).not.toContain('is running');
    const stoppedAt = performance.now();
    child!.kill('SIGTERM');
    const [code] = (await once(child!, 'close')) as [number];
    expect(code).toBe(0);
    // What docs/cli.md promises to supervisors.
    expect(performance.now() - stoppedAt).toBeLessThan(5000);
    expect(output().match(/waiting for the log/g)).toHaveLength(1);
    expect(output()).not.toContain('"stack"');
  });
});
