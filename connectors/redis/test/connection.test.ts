import { freePort } from '@millrace/testkit';
import { expect, it } from 'vitest';
import { parseRedisUrl, plainRedisOptions } from '../src/address.ts';
import { connect } from '../src/connection.ts';

const timers = (): number => process.getActiveResourcesInfo().filter((type) => type === 'Timeout').length;

it('leaves no timer behind when nobody listens: a program would end seconds after its last publisher', async () => {
  const { address } = parseRedisUrl(`redis://127.0.0.1:${await freePort()}`, plainRedisOptions);
  const before = timers();
  const ATTEMPTS = 20;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    await expect(connect(address)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  }
  // The test runner has a few of its own, which come and go.
  expect(timers()).toBeLessThan(before + ATTEMPTS / 2);
});
