import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { type RedisOptions, redisCommand, type RedisServer, serverAvailable, startRedis } from '@millrace/testkit';

const started: RedisServer[] = [];

async function start(options?: RedisOptions): Promise<RedisServer> {
  const server = await startRedis(options);
  started.push(server);
  return server;
}

afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.stop()));
});

describe.skipIf(!serverAvailable('redis'))('startRedis', () => {
  it('keeps port and, with an append-only file, data over kill -9 and restart', async () => {
    const redis = await start({ appendOnly: true });
    expect(redis.url).toBe(`redis://127.0.0.1:${redis.port}`);
    await redisCommand(redis, 'SET', 'a', '1');
    const { pid } = redis;
    await redis.kill();
    await expect(redisCommand(redis, 'PING')).rejects.toThrow('ECONNREFUSED');
    await redis.restart();
    expect(redis.pid).not.toBe(pid);
    expect(await redisCommand(redis, 'GET', 'a')).toBe('1');
    await redis.restart();
    expect(await redisCommand(redis, 'MGET', 'a', 'b')).toEqual(['1', null]);
  });

  it('answers nothing while paused', async () => {
    const redis = await start();
    redis.pause();
    const reply = redisCommand(redis, 'PING');
    expect(await Promise.race([reply, sleep(100, 'silence')])).toBe('silence');
    redis.resume();
    expect(await reply).toBe('PONG');
  });

  it('asks for its password and speaks TLS', async () => {
    const redis = await start({ password: 'p/1', tls: true });
    expect(redis.url).toBe(`rediss://:p%2F1@127.0.0.1:${redis.port}`);
    expect(await redisCommand(redis, 'PING')).toBe('PONG');
    await expect(redisCommand({ port: redis.port, ca: redis.ca! }, 'PING')).rejects.toThrow('NOAUTH');
  });

  it('rejects with the end of the log when the server does not start', async () => {
    await expect(startRedis({ arguments: ['--no-such-option', '1'] })).rejects.toThrow(
      /redis-server ended with 1 at its start:[^]*no-such-option/,
    );
  });

  it('ends when stopped, also when paused', async () => {
    const redis = await start();
    redis.pause();
    await redis.stop();
    expect(() => process.kill(redis.pid, 0)).toThrow('ESRCH');
  });

  it('dies with the process that started it', async () => {
    const script = `
      import { startRedis } from '@millrace/testkit';
      const redis = await startRedis();
      process.stdout.write(String(redis.port));`;
    const parent = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      cwd: import.meta.dirname,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [text] = (await once(parent.stdout, 'data')) as [Buffer];
    const redis = { port: Number(text) };
    const [, directory] = (await redisCommand(redis, 'CONFIG', 'GET', 'dir')) as [string, string];
    expect(existsSync(directory)).toBe(true);
    parent.kill('SIGKILL');
    await expect.poll(() => existsSync(directory)).toBe(false);
    // A process that was told to die may take its time.
    await expect
      .poll(() => redisCommand(redis, 'PING').catch((error: Error) => error.message))
      .toContain('ECONNREFUSED');
  });
});
