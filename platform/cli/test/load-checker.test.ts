import { expect, it } from 'vitest';
import { Checker } from '../src/load/checker.ts';
import type { Question } from '../src/load/questions.ts';

const question = (path: string): Question => ({
  kind: 'profiles',
  path,
  expected: () => '{"rows":2}',
  settledSince: () => true,
});

const answer = (body: string, final: boolean, status = 200) => ({ status, body, askedAt: 0, final });

it('tells an answer that is right in the end from one that is wrong for good', () => {
  const checker = new Checker(0);
  const [late, wrong, right] = [question('/late'), question('/wrong'), question('/right')];
  for (const asked of [late, wrong]) checker.check(asked, answer('{"rows":1}', false));
  checker.check(right, answer('{"rows":2}', false));
  expect(checker).toMatchObject({ mismatches: 2, late: 0 });
  expect(checker.takeUnsettled()).toEqual([late, wrong]);

  checker.check(late, answer('{"rows":2}', true));
  checker.check(wrong, answer('{"rows":3}', true));
  expect(checker).toMatchObject({ mismatches: 1, late: 1, uncompared: 0 });
  expect(checker.examples).toEqual([
    { query: '/late', expected: '{"rows":2}', got: '{"rows":1}', late: true },
    { query: '/wrong', expected: '{"rows":2}', got: '{"rows":3}', late: false },
  ]);
});

it('keeps what cannot be asked again for a mismatch, as it does what was refused', () => {
  const checker = new Checker(0);
  const [unanswered, refused] = [question('/unanswered'), question('/refused')];
  checker.check(unanswered, answer('{"rows":1}', false));
  checker.check(refused, answer('no', false, 400));
  expect(checker.takeUnsettled()).toEqual([unanswered]);
  checker.check(unanswered, answer('away', true, 503));
  expect(checker).toMatchObject({ mismatches: 2, late: 0, uncompared: 1 });
  expect(checker.examples.map(({ got }) => got)).toEqual(['status 400: no', '{"rows":1}']);
});
