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
  it('says what it waits for, once per reason, and stops', async () => {
    const { output } = start(role);
    await expect.poll(output).toContain('waiting for the log');
    expect(output()).not.toContain('is running');
    child!.kill('SIGTERM');
    const [code] = (await once(child!, 'close')) as [number];
    expect(code).toBe(0);
    expect(output()).not.toContain('The deadline of the stop has passed');
    // On a busy machine there may be two: that there is no answer yet, and then why.
    const reasons = output().match(/waiting for the log.*/g) ?? [];
    expect(reasons).toHaveLength(new Set(reasons).size);
    expect(output()).not.toContain('"stack"');
  });
});
