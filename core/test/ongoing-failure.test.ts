import { MillraceError, OngoingFailure, type ErrorCode } from '@millrace/core';
import { expect, it } from 'vitest';

const errorOf = (code: ErrorCode): MillraceError => new MillraceError(code, 'on purpose');

it('is said when it begins, when it becomes another, and when it is over, each time anew', () => {
  const lines: object[] = [];
  const logger = { warn: (details: object, message: string) => void lines.push({ ...details, message }) };
  const failure = new OngoingFailure({ logger, failing: 'failing', over: 'over' });
  const failed = (all: MillraceError[]): void => {
    for (const error of all) failure.failed(error);
  };
  failure.succeeded();
  const [full, still, lost] = [errorOf('LOG_FULL'), errorOf('LOG_FULL'), errorOf('LOG_FAILED')];
  failed([full, still, lost, errorOf('LOG_FULL'), errorOf('LOG_FAILED')]);
  failure.succeeded();
  failure.succeeded();
  failed([full]);
  failure.succeeded();
  expect(lines).toEqual([
    { message: 'failing', err: full },
    { message: 'failing', err: lost },
    { message: 'over', failures: 5 },
    { message: 'failing', err: full },
    { message: 'over', failures: 1 },
  ]);
});
