import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { serverAvailable } from '@millrace/testkit';
import { serverDirectory, startServer } from '../../src/servers/server-process.ts';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

describe('serverAvailable', () => {
  it('says in one line how to get a missing server', () => {
    vi.stubEnv('PATH', '/nowhere');
    vi.stubEnv('CI', '');
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    expect(serverAvailable('redis')).toBe(false);
    expect(write.mock.calls).toEqual([[expect.stringMatching(/^tests skipped, no redis.*apt-get install.*\n$/)]]);
  });

  it('throws with CI=true', () => {
    vi.stubEnv('PATH', '/nowhere');
    vi.stubEnv('CI', 'true');
    expect(() => serverAvailable('kafka')).toThrow('no kafka on this machine');
  });
});

describe('startServer', () => {
  it('rejects for a command that does not exist, and leaves no directory', async () => {
    const directory = await serverDirectory('absent');
    const start = startServer(directory, {
      name: 'absent',
      command: 'no-such-server',
      arguments: [],
      ready: () => Promise.resolve(true),
    });
    await expect(start).rejects.toThrow('spawn no-such-server ENOENT');
    expect(existsSync(directory)).toBe(false);
  });

  it('rejects for a server that never gets ready, and ends it', async () => {
    const directory = await serverDirectory('hanging');
    const start = startServer(directory, {
      name: 'hanging',
      command: '/bin/sh',
      arguments: ['-c', 'echo loading $$; exec sleep 60'],
      ready: async () => {
        // Once it has printed that, however long its start takes.
        await expect.poll(() => readFile(join(directory, 'output.log'), 'utf8')).toMatch(/\n$/);
        throw new Error('no answer');
      },
      readyTimeoutMs: 200,
    });
    const error = await start.catch((error: unknown) => error as Error);
    expect(error).toMatchObject({
      message: expect.stringMatching(/^hanging is ready: not within 200 ms:\nloading \d+/),
      cause: { cause: new Error('no answer') },
    });
    const pid = (error as Error).message.match(/loading (\d+)/)![1]!;
    expect(() => process.kill(Number(pid), 0)).toThrow('ESRCH');
  });
});
