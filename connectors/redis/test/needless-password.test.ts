import { openKeyValueStore, openPublisher } from '@millrace/core';
import { serverAvailable, startRedis } from '@millrace/testkit';
import { expect, it, onTestFinished, vi } from 'vitest';

it.skipIf(!serverAvailable('redis'))(
  'refuses a password for a Redis that asks for none by code, and writes nothing past the logger',
  async () => {
    const written = vi.spyOn(console, 'warn');
    onTestFinished(() => written.mockRestore());
    const server = await startRedis();
    onTestFinished(() => server.stop());
    const place = server.url.replace('redis://', ':secret@');
    const message = expect.stringMatching(/asks for no password: leave it out/) as string;
    const publisher = openPublisher(`redisstream://${place}/x`);
    await expect(publisher).rejects.toMatchObject({ code: 'UNAUTHORIZED', message });
    const store = openKeyValueStore(`redis://${place}`).then((opened) => opened.getMany(['a']));
    await expect(store).rejects.toMatchObject({ code: 'UNAUTHORIZED', message });
    await expect(store).rejects.not.toThrow('secret');
    expect(written).not.toHaveBeenCalled();
  },
);
