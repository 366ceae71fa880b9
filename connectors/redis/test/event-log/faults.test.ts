import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError } from '@millrace/core';
import { redisCommand, type RedisServer, serverAvailable, startRedis, startTcpProxy } from '@millrace/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { consumeInto, newState, openLog, PARTITIONS } from './fixtures.ts';

const gap = (): MillraceError => new MillraceError('COMMIT_GAP', 'not where the last one ended');

describe.skipIf(!serverAvailable('redis'))('the log on a Redis that fails', () => {
  let server: RedisServer;

  beforeEach(async () => {
    server = await startRedis({ appendOnly: true });
  });
  afterEach(() => server.stop());

  it('loses and doubles nothing over 20 cut connections and two restarts under load', async () => {
    const proxy = await startTcpProxy({ target: server });
    const url = `redis://127.0.0.1:${proxy.port}`;
    const place = { prefix: 'faults', query: '&append-timeout=2m' };
    const logs = [await openLog(url, place), await openLog(url, place)];
    const state = newState();
    const consumers = logs.map((log) => consumeInto(log, 'group', state, gap));
    const sent: string[] = [];
    const sending = new AbortController();
    const senders = logs.flatMap((log, l) =>
      Array.from({ length: 4 }, async (_, s) => {
        for (let i = 0; !sending.signal.aborted; i++) {
          const values = [0, 1, 2].map((part) => `${l}/${s}/${i}/${part}`);
          await log.append(values.map((value) => ({ key: value, value: Buffer.from(value) })));
          sent.push(...values);
        }
      }),
    );
    let cut = 0;
    for (let i = 0; i < 20; i++) {
      await sleep(30 + 70 * Math.random());
      // A busy machine may need longer than that for a new connection.
      const before = sent.length;
      await expect.poll(() => sent.length, { interval: 5 }).toBeGreaterThan(before + 5);
      cut += proxy.cut();
      if (i === 7 || i === 14) {
        await server.kill(i === 7 ? 'SIGKILL' : 'SIGTERM');
        await server.restart();
      }
    }
    sending.abort();
    await Promise.all(senders);
    await expect.poll(() => state.values.length).toBeGreaterThanOrEqual(sent.length);
    await sleep(200);
    await Promise.all(consumers.map((consumer) => consumer.stop()));
    await Promise.all(logs.map((log) => log.close()));
    await proxy.stop();
    expect(cut).toBeGreaterThanOrEqual(20);
    expect(state.values.toSorted()).toEqual(sent.toSorted());
  });

  it('takes a frame once, also when its answer is lost every time', async () => {
    const proxy = await startTcpProxy({ target: server });
    const log = await openLog(`redis://127.0.0.1:${proxy.port}`, { prefix: 'answers' });
    // Redis knows the script from now on: to one that it did not know the answer would be missing, too.
    await log.append([{ partition: 1, value: Buffer.from('script') }]);
    const values = Array.from({ length: 20 }, (_, i) => `${i}`);
    for (const value of values) {
      // The command arrives, its answer does not.
      proxy.holdAnswers(true);
      const appended = log.append([{ partition: 0, value: Buffer.from(value) }]);
      await expect
        .poll(() => redisCommand(server, 'XLEN', 'answers:{p0}:log'), { interval: 5 })
        .toBe(Number(value) + 1);
      proxy.cut();
      proxy.holdAnswers(false);
      await appended;
    }
    const { records } = await log.read(0, 0, 1e6);
    expect(records.map((record) => Buffer.from(record.value).toString())).toEqual(values);
    await log.close();
    await proxy.stop();
  });

  it('rejects what it could not send as unwritten, and what was under way as in doubt', async () => {
    const log = await openLog(server.url, { prefix: 'paused' });
    const hasty = await openLog(server.url, { prefix: 'paused', query: '&append-timeout=300ms' });
    await log.append([{ partition: 0, value: Buffer.from('before') }]);
    server.pause();
    const underWay = hasty.append([{ partition: 0, value: Buffer.from('under way') }]);
    await sleep(50);
    const waiting = hasty.append([{ partition: 0, value: Buffer.from('waiting') }]);
    await expect(underWay).rejects.toMatchObject({ code: 'LOG_FAILED', retry: false });
    await expect(waiting).rejects.toMatchObject({ code: 'UNAVAILABLE', retry: true });
    server.resume();
    await expect.poll(async () => (await log.bounds(0)).next).toBe(2);
    await log.append([{ partition: 0, value: Buffer.from('after') }]);
    const { records } = await log.read(0, 0, 1e6);
    expect(records.map((record) => Buffer.from(record.value).toString())).toEqual(['before', 'under way', 'after']);
    await Promise.all([log.close(), hasty.close()]);
  });

  it('says that an append is in doubt, also when Redis refuses to take it again', async () => {
    await redisCommand(server, 'ACL', 'SETUSER', 'app', 'on', '>secret', '~*', '&*', '+@all');
    const proxy = await startTcpProxy({ target: server });
    const place = { prefix: 'doubt' };
    const log = await openLog(`redis://app:secret@127.0.0.1:${proxy.port}`, place);
    await log.append([{ partition: 0, value: Buffer.from('before') }]);
    const length = () => redisCommand(server, 'XLEN', 'doubt:{p0}:log');
    // The command arrives, its answer does not, and when it is sent again the password is another one.
    proxy.holdAnswers(true);
    const appended = log.append([{ partition: 0, value: Buffer.from('in doubt') }]);
    const refusal = expect(appended).rejects.toMatchObject({ code: 'LOG_FAILED', retry: false });
    await expect.poll(length).toBe(2);
    await redisCommand(server, 'ACL', 'SETUSER', 'app', 'resetpass', '>other');
    proxy.cut();
    proxy.holdAnswers(false);
    await refusal;
    // What was never sent is told as such.
    const unsent = log.append([{ partition: 1, value: Buffer.from('unsent') }]);
    await expect(unsent).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
    await redisCommand(server, 'ACL', 'SETUSER', 'app', '>secret');
    await log.append([{ partition: 0, value: Buffer.from('after') }]);
    const { records } = await log.read(0, 0, 1e6);
    expect(records.map(({ value }) => Buffer.from(value).toString())).toEqual(['before', 'in doubt', 'after']);
    expect(await log.bounds(1)).toEqual({ earliest: 0, next: 0 });
    await log.close();
    await proxy.stop();
  });

  it('refuses more than may wait while Redis is away', async () => {
    const log = await openLog(server.url, { query: '&max-waiting=10KB&append-timeout=300ms' });
    server.pause();
    const appends = Array.from({ length: 30 }, () => log.append([{ partition: 0, value: Buffer.alloc(1000) }]));
    const codes = (await Promise.allSettled(appends)).map((each) =>
      each.status === 'rejected' ? (each.reason as MillraceError).code : each.status,
    );
    expect(codes.filter((code) => code === 'QUEUE_FULL')).toHaveLength(20);
    server.resume();
    // What is under way counts until Redis has answered.
    const again = (): Promise<string> =>
      log.append([{ partition: 0, value: Buffer.alloc(1000) }]).then(
        () => 'written',
        (error: MillraceError) => error.code,
      );
    await expect.poll(again).toBe('written');
    await log.close();
  });

  it('says LOG_FULL when Redis has no memory left, and goes on when it has', async () => {
    const log = await openLog(server.url);
    const { earliest, next } = await log.bounds(0);
    await redisCommand(server, 'CONFIG', 'SET', 'maxmemory', '1');
    await expect(log.append([{ partition: 0, value: Buffer.alloc(1000) }])).rejects.toMatchObject({ code: 'LOG_FULL' });
    expect(await log.bounds(0)).toEqual({ earliest, next });
    await redisCommand(server, 'CONFIG', 'SET', 'maxmemory', '0');
    await log.append([{ partition: 0, value: Buffer.alloc(1000) }]);
    expect(await log.bounds(0)).toEqual({ earliest, next: next + 1 });
    await log.close();
  });

  it('keeps several appending processes apart', async () => {
    const logs = await Promise.all(Array.from({ length: 3 }, () => openLog(server.url, { prefix: 'several' })));
    const positions = await Promise.all(
      Array.from({ length: 300 }, (_, i) => logs[i % 3]!.append([{ key: `${i}`, value: Buffer.from(`${i}`) }])),
    );
    const places = new Set(positions.map(([position]) => `${position!.partition}/${position!.offset}`));
    expect(places.size).toBe(300);
    let total = 0;
    for (let partition = 0; partition < PARTITIONS; partition++) total += (await logs[0]!.bounds(partition)).next;
    expect(total).toBe(300);
    await Promise.all(logs.map((log) => log.close()));
  });
});
