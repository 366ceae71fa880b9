import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { serverAvailable, startHaproxy } from '@millrace/testkit';

const CONFIG = `
defaults
  mode http
  timeout connect 30s
  timeout client 30s
  timeout server 30s
frontend in
  bind "127.0.0.1:\${PORT}"
  default_backend out
backend out
  server one "127.0.0.1:\${BACKEND}"
`;

describe.skipIf(!serverAvailable('haproxy'))('startHaproxy', () => {
  it('serves with the configuration given, on the same port after a restart', async () => {
    const backend = createServer((_, response) => response.end('from behind')).listen(0, '127.0.0.1');
    await once(backend, 'listening');
    const { port } = backend.address() as AddressInfo;
    const haproxy = await startHaproxy({ config: CONFIG, env: { BACKEND: String(port) } });
    try {
      expect(await (await fetch(haproxy.url)).text()).toBe('from behind');
      await haproxy.kill();
      await expect(fetch(haproxy.url)).rejects.toThrow('fetch failed');
      await haproxy.restart();
      expect(await (await fetch(haproxy.url)).text()).toBe('from behind');
    } finally {
      await haproxy.stop();
      backend.close();
    }
  });

  it('rejects with what is wrong in the configuration', async () => {
    await expect(startHaproxy({ config: 'frontend in\n  no-such-word\n' })).rejects.toThrow(
      /haproxy ended with 1 at its start:[^]*no-such-word/,
    );
  });
});
