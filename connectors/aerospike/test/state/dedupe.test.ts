import { STATE_MINUTE, STATE_START, stateEvent } from '@millrace/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';

import { parseAerospikeUrl } from '../../src/address.ts';
import { connect } from '../../src/client.ts';
import { Records } from '../../src/records.ts';
import { Dedupe } from '../../src/state/dedupe.ts';
import { StateKeys } from '../../src/state/keys.ts';
import { stateOptions } from '../../src/state/options.ts';
import { closedError } from '../../src/state/store.ts';
import { withNamespace, withSet } from '../servers.ts';

const url = withNamespace();

async function open() {
  const { address } = parseAerospikeUrl(withSet(url()), stateOptions);
  const records = new Records(await connect(address), { timeoutMs: 10_000, closedError });
  onTestFinished(() => records.close());
  const { namespace, set = '' } = address;
  const keys = new StateKeys(records.driver, { namespace, aggregatesNamespace: namespace, set });
  const dedupe = new Dedupe(records, keys, false);
  /** Events of one key, by offset and minute of their append. */
  const check = (epoch: number, from: number, places: readonly (readonly [number, number])[], partition = 0) =>
    dedupe.check(
      {
        events: places.map(([offset, minute]) =>
          stateEvent(offset, { dedupeKey: 'once', appendedAt: STATE_START + minute * STATE_MINUTE }),
        ),
        eventPartitions: places.map(() => partition),
      },
      () => ({ epoch, from }),
    );
  return { records, check };
}

const NONE = new Set<number>();
const FIRST = new Set([0]);

describe('dedupe keys', () => {
  it('stay those of the owner when one that was taken over writes late', async () => {
    const { records, check } = await open();
    const late = await check(1, 0, [[0, 0]]);
    await records.write((await check(2, 0, [[0, 0]])).writes);
    await records.write((await check(2, 1, [[1, 11]])).writes);
    expect(await records.write(late.writes)).toEqual([false]);
    expect((await check(2, 2, [[2, 12]])).places).toEqual(FIRST);
  });

  it('stay those of the later commit when an attempt of an earlier one comes late', async () => {
    const { records, check } = await open();
    const { writes } = await check(1, 0, [[0, 0]]);
    await records.write(writes);
    await records.write((await check(1, 1, [[1, 11]])).writes);
    expect(await records.write(writes)).toEqual([false]);
    expect((await check(1, 2, [[2, 12]])).places).toEqual(FIRST);
  });

  it('forget what a commit stored that never came to its end, also by a shorter one', async () => {
    const { records, check } = await open();
    const events = [
      [0, 0],
      [1, 11],
      [2, 22],
    ] as const;
    await records.write((await check(1, 0, events)).writes);
    const shorter = await check(1, 0, events.slice(0, 2));
    expect(shorter.places).toEqual(NONE);
    expect(await records.write(shorter.writes)).toEqual([true]);
    expect((await check(1, 2, [[2, 12]])).places).toEqual(FIRST);
  });

  it('count in their partition: two owners do not meet', async () => {
    const { records, check } = await open();
    const [one, other] = [await check(1, 0, [[0, 0]]), await check(1, 0, [[0, 0]], 1)];
    expect([one.places, other.places]).toEqual([NONE, NONE]);
    expect(await records.write([...one.writes, ...other.writes])).toEqual([true, true]);
    expect((await check(1, 1, [[1, 1]], 1)).places).toEqual(FIRST);
  });
});
