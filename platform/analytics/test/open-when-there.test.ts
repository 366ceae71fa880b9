import { createLogger, MillraceError, type ErrorCode } from '@millrace/core';
import { expect, it } from 'vitest';
import { openWhenThere } from '../src/open-when-there.ts';

function waiting() {
  const lines: string[] = [];
  const logger = createLogger({
    level: 'warn',
    name: 'test',
    destination: { write: (line: string) => void lines.push(line) },
  });
  const stopping = new AbortController();
  const messages = (): unknown[] => lines.map((line) => (JSON.parse(line) as { msg: string }).msg);
  return { options: { logger, signal: stopping.signal }, stopping, messages, lines };
}

it('says what it waits for once per reason, and when that is there', async () => {
  const { options, messages, lines } = waiting();
  const failures: ErrorCode[] = ['UNAVAILABLE', 'UNAVAILABLE', 'NOT_FOUND', 'NOT_FOUND'];
  await openWhenThere(
    'the log',
    async () => {
      const code = failures.shift();
      if (code !== undefined) throw new MillraceError(code, 'on purpose', { field: 'url', value: 'kafka://host/tags' });
    },
    options,
  );
  expect(messages()).toEqual([
    'waiting for the log',
    'the log is not there yet: waiting for the first frontend, which makes it',
    'the log is there',
  ]);
  expect(JSON.parse(lines[1]!)).toMatchObject({ url: 'kafka://host/tags' });
  expect(lines.join('')).not.toContain('stack');
});

it('says nothing of what is there at once', async () => {
  const { options, messages } = waiting();
  await openWhenThere('the log', async () => {}, options);
  expect(messages()).toEqual([]);
});

it('says that there is no answer, ends at once when it is stopped, and closes what comes later', async () => {
  const { options, stopping, messages } = waiting();
  const late = Promise.withResolvers<{ close(): Promise<void> }>();
  const closed = Promise.withResolvers<void>();
  const opening = openWhenThere('the log', () => late.promise, options);
  const outcome = expect(opening).rejects.toMatchObject({
    code: 'CANCELLED',
    message: 'stopped while the log was waited for',
  });
  await expect.poll(messages).toEqual(['waiting for the log: it has not answered for 2 s']);
  stopping.abort();
  await outcome;
  late.resolve({ close: async () => closed.resolve() });
  await closed.promise;
});

it('fails with what does not pass', async () => {
  const { options, messages } = waiting();
  const refused = new MillraceError('UNAUTHORIZED', 'on purpose');
  await expect(openWhenThere('the log', () => Promise.reject(refused), options)).rejects.toBe(refused);
  expect(messages()).toEqual([]);
});
