import { expect, it } from 'vitest';
import { defineOptions, defineSink, MillraceError, publisherOf } from '@millrace/core';

it('tells the newest error, of a message or of the connection', async () => {
  const away = new MillraceError('UNAVAILABLE', 'the target is away');
  const unfit = new MillraceError('REFUSED', 'the target does not want it');
  let next: MillraceError | undefined = unfit;
  const sink = defineSink({
    options: defineOptions('fickle', {}),
    prepare: () => ({
      encode: () => ({ bytes: 1 }),
      connect: async () => ({
        async send() {
          if (next !== undefined) throw next;
          return [];
        },
        close: async () => {},
      }),
    }),
  });
  const publisher = publisherOf(sink, 'fickle', 'fickle:');
  await publisher.start();
  await expect(publisher.publish({ value: 1 })).rejects.toBe(unfit);
  expect(publisher.details().last_error).toBe(unfit.message);
  next = away;
  const late = publisher.publish({ value: 2 });
  await expect.poll(() => publisher.details().last_error).toBe(away.message);
  next = undefined;
  await late;
  await publisher.close();
});
