import { expect, it } from 'vitest';
import { utcTime } from '../src/utc-time.ts';

const DAY = Date.UTC(2026, 2, 22);
const TIME = Date.UTC(2026, 2, 22, 12, 15);

it.each([
  ['2026-03-22', DAY],
  ['2026-03-22Z', DAY],
  ['2026-03-22T12:15', TIME],
  ['2026-03-22t12:15z', TIME],
  ['2026-03-22T12:15:07', TIME + 7000],
  ['2026-03-22T12:15:07.5Z', TIME + 7500],
  ['2026-03-22T12:15:07.123456789', TIME + 7123],
  ['2026-03-22T14:15+02:00', TIME],
])('%s is a time', (text, ms) => {
  expect(utcTime(text)).toBe(ms);
});

it.each([
  '',
  'noon',
  '2026-3-22',
  '2026-13-01',
  '2026-03-22 12:15',
  '2026-03-22T12',
  '2026-03-22T25:00',
  '2026-03-22+02:00',
])('%j is none', (text) => {
  expect(utcTime(text)).toBeUndefined();
});
