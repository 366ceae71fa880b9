import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ERRORS, hasCode, MillraceError, toMillraceError } from '@millrace/core';
import type { ErrorCode } from '@millrace/core';

const CODES = Object.keys(ERRORS) as ErrorCode[];

describe('docs/errors.md', async () => {
  const page = await readFile(fileURLToPath(import.meta.resolve('../../docs/errors.md')), 'utf8');
  const rows = page
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .map(([, code = '', status, retry, meaning, advice]) => ({
      code: code.slice(1, -1),
      status,
      retry,
      meaning,
      advice,
    }));

  it('has every code of the table, in its order, and no other', () => {
    expect(rows.map(({ code }) => code)).toEqual(CODES);
  });

  it.each(rows)('tells status, retry, meaning and advice of $code', ({ code, status, retry, meaning, advice }) => {
    const error = ERRORS[code as ErrorCode];
    expect({ status, retry }).toEqual({ status: String(error.status), retry: error.retry ? 'yes' : 'no' });
    expect(meaning).toMatch(/^[A-Z].{10,}\.$/);
    expect(advice).toMatch(/^[A-Z].{10,}\.$/);
  });
});

describe('the table', () => {
  it.each(CODES)('%s is in upper case and has an error status', (code) => {
    expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
    expect(ERRORS[code].status).toBeGreaterThanOrEqual(400);
    expect(ERRORS[code].status).toBeLessThan(600);
  });

  it('never tells a caller to repeat a request that is itself wrong', () => {
    const wrong = CODES.filter((code) => ERRORS[code].status < 500 && ERRORS[code].retry);
    expect(wrong).toEqual([]);
  });
});

describe('MillraceError', () => {
  it('carries status, retry, details and cause', () => {
    const cause = new Error('ENOSPC');
    const error = new MillraceError('LOG_FULL', 'the disk is full', { field: 'value', value: 1, accepted: '2', cause });
    expect(error).toMatchObject({ name: 'MillraceError', code: 'LOG_FULL', status: 503, retry: true, cause });
    expect(error.details).toEqual({ field: 'value', value: 1, accepted: '2' });
    expect(error).toBeInstanceOf(Error);
  });

  it('has no cause of its own unless one is given', () => {
    expect(Object.hasOwn(new MillraceError('INTERNAL', 'x'), 'cause')).toBe(false);
  });

  it('wraps what is foreign, and only that', () => {
    const own = new MillraceError('TIMEOUT', 'too slow');
    expect(toMillraceError(own)).toBe(own);
    const foreign = new TypeError('x is not a function');
    expect(toMillraceError(foreign)).toMatchObject({ code: 'INTERNAL', message: foreign.message, cause: foreign });
    expect(toMillraceError('text', 'LOG_FAILED')).toMatchObject({ code: 'LOG_FAILED', message: 'text', cause: 'text' });
  });

  it('is matched by its code', () => {
    expect(hasCode(new MillraceError('TIMEOUT', 'x'), 'TIMEOUT')).toBe(true);
    expect(hasCode(new MillraceError('INTERNAL', 'x'), 'TIMEOUT')).toBe(false);
    expect(hasCode(Object.assign(new Error('x'), { code: 'TIMEOUT' }), 'TIMEOUT')).toBe(false);
  });
});
