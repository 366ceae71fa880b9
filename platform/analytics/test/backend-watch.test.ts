import { createLogger, MillraceError, type ErrorCode } from '@millrace/core';
import { expect, it, onTestFinished } from 'vitest';
import { BackendWatch } from '../src/backend-watch.ts';

it('says once that a backend is away, once more when it fails in another way, and once when it is back', async () => {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  let failure: ErrorCode | undefined;
  const watch = new BackendWatch({
    log: { partitions: 1, bounds: async () => ({ earliest: 0, next: 5 }) },
    state: {
      async committed() {
        if (failure !== undefined) throw new MillraceError(failure, 'on purpose');
        return 3;
      },
      statistics: async () => ({ deadLetters: 0, late: 0, duplicates: 0 }),
    },
    logger: createLogger({ level: 'info', name: 'test', destination }),
  });
  await watch.start();
  onTestFinished(() => watch.stop());
  /** Asks several times, as the timers do, too. */
  const during = async (code: ErrorCode | undefined): Promise<void> => {
    failure = code;
    for (let time = 0; time < 4; time++) await watch.refresh();
  };
  await during('UNAVAILABLE');
  await during('UNAUTHORIZED');
  await during(undefined);
  await expect.poll(() => lines.length).toBe(3);
  expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
    { msg: 'the state cannot be read: trying again', err: { code: 'UNAVAILABLE' } },
    { msg: 'the state cannot be read: trying again', err: { code: 'UNAUTHORIZED' } },
    { msg: 'the state can be read again' },
  ]);
  expect(watch.lag().records).toBe(2);
});
