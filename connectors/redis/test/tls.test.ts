import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openKeyValueStore } from '@millrace/core';
import {
  type RedisCluster,
  type RedisSentinel,
  type RedisServer,
  serverAvailable,
  startRedis,
  startRedisCluster,
  startSentinel,
} from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dashed, useAll } from './use-all.ts';

/** The files that a client of this server needs, as options of a URL. */
class Files {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async of({ ca, key }: RedisServer): Promise<Files> {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-redis-'));
    await writeFile(join(folder, 'ca.pem'), ca!);
    await writeFile(join(folder, 'key.pem'), key ?? '');
    return new Files(folder);
  }

  get trusting(): string {
    return this.#option('tls_ca', 'ca.pem');
  }

  get showing(): string {
    return `${this.#option('tls_cert', 'ca.pem')}&${this.#option('tls_key', 'key.pem')}`;
  }

  remove(): Promise<void> {
    return rm(this.#folder, { recursive: true });
  }

  #option(name: string, file: string): string {
    return `${name}=${encodeURIComponent(join(this.#folder, file))}`;
  }
}

const hostsOf = (nodes: readonly { readonly host?: string; readonly port: number }[]): string =>
  nodes.map(({ host = '127.0.0.1', port }) => `${host}:${port}`).join(',');

describe.skipIf(!serverAvailable('redis')).each(['one', 'mutual'] as const)('a Redis with %s-sided TLS', (sides) => {
  let server: RedisServer;
  let files: Files;

  beforeAll(async () => {
    server = await startRedis({ tls: sides === 'mutual' ? 'mutual' : true, password: 'secret', appendOnly: true });
    files = await Files.of(server);
  });
  afterAll(async () => {
    await server.stop();
    await files.remove();
  });

  const everything = (): string => (sides === 'mutual' ? `${files.trusting}&${files.showing}` : files.trusting);

  it('is used', () => useAll(':secret@', hostsOf([server]), '', `tls=true&${everything()}`));

  it('is used by rediss://', async () => {
    const store = await openKeyValueStore(dashed(`${server.url}?${everything()}`));
    await store.set('a', Buffer.from('b'));
    await store.close();
  });

  it('refuses who does not show what it wants, and is refused by who does not trust it', async () => {
    const url = `rediss://:secret@127.0.0.1:${server.port}`;
    await expect(openKeyValueStore(`${url}?retry-timeout=100ms&connect-timeout=60s`)).rejects.toThrow(/certificate/);
    const untrusting = `${url}?retry-timeout=100ms&connect-timeout=60s&tls-verify=false`;
    if (sides === 'one') await (await openKeyValueStore(untrusting)).close();
    else await expect(openKeyValueStore(untrusting)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(openKeyValueStore(`${url}?tls-ca=/nowhere.pem`)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      details: { field: 'tls-ca', value: '/nowhere.pem' },
    });
  });
});

describe.skipIf(!serverAvailable('redis'))('a Redis Cluster with mutual TLS', () => {
  let cluster: RedisCluster;
  let files: Files;

  beforeAll(async () => {
    cluster = await startRedisCluster({ tls: 'mutual', password: 'secret' });
    files = await Files.of(cluster.nodes[0]!);
  });
  afterAll(async () => {
    await cluster.stop();
    await files.remove();
  });

  it('is used', () =>
    useAll(':secret@', hostsOf(cluster.nodes), '', `cluster=true&tls=true&${files.trusting}&${files.showing}`));

  it('is found by one of its nodes', () =>
    useAll(':secret@', hostsOf([cluster.nodes[1]!]), '', `cluster=true&tls=true&${files.trusting}&${files.showing}`));

  it('is not used by who does not trust it, nor by who shows it no certificate', async () => {
    const url = `${cluster.url}?cluster=true&retry-timeout=100ms&connect-timeout=60s`;
    const message = expect.stringMatching(/certificate/) as string;
    await expect(openKeyValueStore(url)).rejects.toMatchObject({ code: 'UNAVAILABLE', message });
    // Redis closes the connection at once: whether its reason arrives is a matter of time.
    const untold = openKeyValueStore(dashed(`${url}&${files.trusting}`));
    await expect(untold).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});

describe.skipIf(!serverAvailable('redis'))('a Redis Cluster whose certificate names hosts, not addresses', () => {
  let cluster: RedisCluster;
  let files: Files;

  beforeAll(async () => {
    cluster = await startRedisCluster({ tls: true, host: 'localhost' });
    files = await Files.of(cluster.nodes[0]!);
  });
  afterAll(async () => {
    await cluster.stop();
    await files.remove();
  });

  it('is used', () => useAll('', hostsOf(cluster.nodes), '', `cluster=true&tls=true&${files.trusting}`));
});

describe.skipIf(!serverAvailable('redis'))('Redis behind Sentinels, all with mutual TLS', () => {
  let watched: RedisSentinel;
  let files: Files;

  beforeAll(async () => {
    watched = await startSentinel({ tls: 'mutual', password: 'secret', sentinelPassword: 'watch', appendOnly: true });
    files = await Files.of(watched.master);
  });
  afterAll(async () => {
    await watched.stop();
    await files.remove();
  });

  const options = (): string => `sentinel=main&sentinel_password=watch&tls=true&${files.trusting}&${files.showing}`;

  it('is used', () => useAll(':secret@', hostsOf(watched.sentinels), '', options()));

  it('is not used by who does not trust it', async () => {
    const url = `rediss://:secret@${hostsOf(watched.sentinels)}?sentinel=main&sentinel-password=watch&retry-timeout=100ms&connect-timeout=60s`;
    const message = expect.stringMatching(/certificate/) as string;
    await expect(openKeyValueStore(url)).rejects.toMatchObject({ code: 'UNAVAILABLE', message });
  });

  it('is used again after its replica has taken over', async () => {
    const url = `redis://:secret@${hostsOf(watched.sentinels)}?${dashed(options())}&retry-timeout=60s`;
    const store = await openKeyValueStore(url);
    await watched.killMaster();
    await store.set('a', Buffer.from('b'));
    await expect.poll(() => watched.masterPort().catch(() => 0)).toBe(watched.replica.port);
    expect((await store.getMany(['a']))[0]?.value.toString()).toBe('b');
    await store.close();
  });
});
