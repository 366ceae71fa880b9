import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { type KeyValueStore, openKeyValueStore, openPublisher } from '@millrace/core';
import { redisCommand, type RedisServer, serverAvailable, startRedis } from '@millrace/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { plainRedisOptions, parseRedisUrl } from '../src/address.ts';
import { redisError } from '../src/errors.ts';

describe.skipIf(!serverAvailable('redis'))('what Redis cannot do now', () => {
  let server: RedisServer;
  let store: KeyValueStore;
  const set = () => store.set('a', Buffer.from('b'));
  const config = (...words: string[]) => redisCommand(server, 'CONFIG', 'SET', ...words);

  beforeEach(async () => {
    const settings = '--busy-reply-threshold 50 --enable-protected-configs yes';
    server = await startRedis({ arguments: settings.split(' ') });
    store = await openKeyValueStore(`${server.url}?retry-timeout=100ms`);
  });
  afterEach(async () => {
    await store.close();
    await server.stop();
  });

  /** Refused as passing, with this advice, until it is repaired. */
  async function passes(advice: string, repair: () => Promise<unknown>): Promise<void> {
    const message = expect.stringContaining(advice) as string;
    await expect(set()).rejects.toMatchObject({ code: 'UNAVAILABLE', retry: true, message });
    await repair();
    await expect.poll(() => set().then(() => 'written')).toBe('written');
  }

  it('for want of memory', async () => {
    await config('maxmemory', '1');
    await passes('its maxmemory is reached', () => config('maxmemory', '0'));
  });

  it('as a replica', async () => {
    await redisCommand(server, 'REPLICAOF', '127.0.0.1', '1');
    await passes('it is a replica', () => redisCommand(server, 'REPLICAOF', 'NO', 'ONE'));
  });

  it('without replicas', async () => {
    await config('min-replicas-to-write', '1');
    await passes('too few of its replicas', () => config('min-replicas-to-write', '0'));
  });

  it('while a script runs', async () => {
    const endless = redisCommand(server, 'EVAL', 'while true do end', '0').catch((error: Error) => error.message);
    const state = (): Promise<unknown> => redisCommand(server, 'PING').catch((error: Error) => error.message);
    await expect.poll(state).toContain('BUSY');
    await passes('a script runs for too long', () => redisCommand(server, 'SCRIPT', 'KILL'));
    expect(await endless).toContain('killed');
  });

  it('when it cannot write its files', async () => {
    const [, folder] = (await redisCommand(server, 'CONFIG', 'GET', 'dir')) as readonly [string, string];
    await mkdir(join(folder, 'in-the-way.rdb'));
    await config('dbfilename', 'in-the-way.rdb', 'save', '3600 1');
    await redisCommand(server, 'BGSAVE');
    await expect.poll(() => redisCommand(server, 'INFO', 'persistence')).toContain('rdb_last_bgsave_status:err');
    await passes('it cannot write to its disk', () => config('save', ''));
  });

  it('for too many others', async () => {
    // The one connection that is never refused, however many others the server still counts.
    const held = connect(server.port, '127.0.0.1');
    const allow = async (clients: number): Promise<void> => {
      held.write(`CONFIG SET maxclients ${clients}\r\n`);
      expect(String((await once(held, 'data'))[0])).toBe('+OK\r\n');
    };
    await allow(1);
    const publisher = await openPublisher(server.url);
    // It tries again as long as there is something to send. Of one attempt the reason may be lost: Redis closes the
    // connection at once, and what the driver sends meanwhile resets it.
    const sent = publisher.publish({ key: 'a', value: 1 });
    await expect.poll(() => publisher.details().last_error).toContain('raise maxclients');
    await allow(100);
    await sent;
    await publisher.close();
    held.destroy();
  });
});

describe.skipIf(!serverAvailable('redis'))('what Redis never takes', () => {
  it('is refused one by one, with what is in the way', async () => {
    const server = await startRedis();
    await redisCommand(server, 'SET', 'taken', 'by a string');
    const publisher = await openPublisher(`redisstream://127.0.0.1:${server.port}/taken`);
    const refusal = {
      code: 'REFUSED',
      retry: false,
      message: expect.stringContaining('choose another name') as string,
    };
    await expect(publisher.publish({ value: 1 })).rejects.toMatchObject(refusal);
    await redisCommand(server, 'DEL', 'taken');
    await publisher.publish({ value: 2 });
    await publisher.close();
    await server.stop();
  });
});

describe('replies that a test cannot bring about at will', () => {
  const { address } = parseRedisUrl('redis://host', plainRedisOptions);
  it.each([
    ['LOADING Redis is loading the dataset in memory', 'UNAVAILABLE'],
    ['CLUSTERDOWN Hash slot not served', 'UNAVAILABLE'],
    ['TRYAGAIN Multiple keys request during rehashing of slot', 'UNAVAILABLE'],
    ["MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", 'UNAVAILABLE'],
    ['UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)', 'UNAVAILABLE'],
    ['ERR unknown command', 'REFUSED'],
  ])('%s', (text, code) => {
    const reply = Object.assign(new Error(text), { name: 'ReplyError' });
    expect(redisError(reply, address)).toMatchObject({ code, message: expect.stringContaining(text) as string });
  });
});
