import { describe, expect, it } from 'vitest';
import { createLogger, MillraceError } from '@millrace/core';

function capture(options: { pretty?: boolean; level?: 'debug' | 'info' | 'silent' } = {}) {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const logger = createLogger({ level: 'info', name: 'frontend', destination, ...options });
  return { logger, lines, last: () => JSON.parse(lines.at(-1)!) as Record<string, unknown> };
}

describe('lines', () => {
  it('hold level, time, name, message and fields', () => {
    const { logger, last } = capture();
    logger.warn({ ms: 250 }, 'slow disk');
    expect(last()).toEqual({
      level: 'warn',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      name: 'frontend',
      ms: 250,
      msg: 'slow disk',
    });
  });

  it('below the level are not written', () => {
    const { logger, lines } = capture();
    logger.debug('quiet');
    expect(lines).toEqual([]);
  });

  it('show the code and the cause of an error', () => {
    const { logger, last } = capture();
    logger.error({ err: new MillraceError('LOG_FULL', 'disk full', { cause: new Error('ENOSPC') }) });
    expect(last().err).toMatchObject({ code: 'LOG_FULL', message: 'disk full: ENOSPC' });
  });

  it('show no stack of what Millrace throws on purpose, and that of a defect', () => {
    const { logger, lines, last } = capture();
    const cause = new Error('connect ECONNREFUSED');
    logger.warn({ err: new MillraceError('UNAVAILABLE', 'away: connect ECONNREFUSED', { cause }) });
    expect(last().err).toEqual({
      type: 'MillraceError',
      code: 'UNAVAILABLE',
      message: 'away: connect ECONNREFUSED',
      name: 'MillraceError',
      details: {},
    });
    logger.warn({ err: new MillraceError('INTERNAL', 'a defect') });
    logger.warn({ err: new TypeError('another') });
    for (const line of lines.slice(1)) expect(JSON.parse(line)).toHaveProperty('err.stack');
    const debug = capture({ level: 'debug' });
    debug.logger.warn({ err: new MillraceError('UNAVAILABLE', 'away') });
    expect(debug.last()).toHaveProperty('err.stack');
  });

  it('for a person', () => {
    const { logger, lines } = capture({ pretty: true });
    logger.warn({ ms: 250 }, 'slow disk');
    expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} WARN frontend: slow disk \{"ms":250\}\n$/);
    logger.error({ err: new Error('boom') }, 'died');
    expect(lines[1]).toMatch(/ ERROR frontend: died\nError: boom\n {4}at /);
    logger.warn({ err: new MillraceError('UNAVAILABLE', 'no answer'), ms: 1 }, 'trying again');
    expect(lines[2]).toMatch(/ WARN frontend: trying again: no answer \{"ms":1\}\n$/);
  });
});

describe('secrets', () => {
  it.each([
    { authorization: 'Bearer hunter2' },
    { headers: { Authorization: 'Basic hunter2', 'x-millrace-token': 'hunter2' } },
    { a: { b: { c: { d: { password: 'say "hunter2"' } } } } },
    { adminToken: 'hunter2', clientSecret: 'a\\"hunter2' },
    { url: 'redis://user:hunter2@host:6379/0' },
    { url: 'redis://:p@hunter2@host' },
    { url: '/admin/status?a=1&token=hunter2&b=2' },
    { err: new Error('cannot reach kafka://user:hunter2@broker') },
  ])('%j', (fields) => {
    const { logger, lines, last } = capture();
    logger.info(fields, 'connect');
    logger.child(fields).info('from a child');
    expect(lines).toHaveLength(2);
    expect(lines.join('')).not.toContain('hunter2');
    expect(lines.join('')).toContain('***');
    expect(last().msg).toBe('from a child');
  });

  it('in a message, also in lines for a person', () => {
    const { logger, lines } = capture({ pretty: true });
    logger.info('cannot reach redis://user:hunter2@host/0');
    expect(lines[0]).toContain('cannot reach redis://***@host/0');
  });

  it('numbers under a secret name', () => {
    const { logger, last } = capture();
    logger.info({ password: 4711, after: 1 });
    expect(last()).toMatchObject({ password: '***', after: 1 });
  });

  it('leaves the rest as it is', () => {
    const { logger, last } = capture();
    const fields = { cookie: 'alice', tokens: 5, mail: 'a@b.c', url: 'http://host/a@b', note: 'token: none' };
    logger.info(fields);
    expect(last()).toMatchObject(fields);
  });
});
