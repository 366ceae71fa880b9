import type { RollupQuery } from '@millrace/core';
import { STATE_MINUTE, STATE_SCHEMA, STATE_START, stateChange, stateEvent, StateModel } from '@millrace/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';

import { parseAerospikeUrl } from '../../src/address.ts';
import { connect } from '../../src/client.ts';
import type { Key } from '../../src/records.ts';
import { stateOptions } from '../../src/state/options.ts';
import { withNamespace, withSet } from '../servers.ts';
import { openBoth } from './fixture.ts';

const OPTIONS = { schema: STATE_SCHEMA, partitions: 2, keep: 5, retentionMs: 24 * 3_600_000 };
const MINUTES = 20;
const url = withNamespace();

const minuteAt = (index: number) => ({
  from: STATE_START + index * STATE_MINUTE,
  to: STATE_START + (index + 1) * STATE_MINUTE,
  where: {},
  groupBy: [],
  limit: 10,
});

/** A text that nothing packs. */
const wide = (n: number): string => `${n}`.padEnd(200, 'x');

async function open() {
  const place = withSet(url());
  let store = await openBoth(place, OPTIONS);
  onTestFinished(() => store.close());
  const { address, values } = parseAerospikeUrl(place, stateOptions);
  const connection = await connect(address);
  onTestFinished(() => connection.close());
  const { driver, client } = connection;
  const keyOf = (minute: number, block: number): Key =>
    new driver.Key(
      values.aggregatesNamespace ?? address.namespace,
      `${address.set!}-minutes`,
      Buffer.from(`0 ${STATE_START / STATE_MINUTE + minute} ${block}`),
    ) as Key;
  const model = new StateModel(OPTIONS);
  let offset = 0;
  /** Events of one minute. */
  const commit = async (minute: number, count = 1): Promise<void> => {
    const events = Array.from({ length: count }, () =>
      stateEvent(offset, {
        key: `key-${offset}`,
        time: STATE_START + minute * STATE_MINUTE,
        dimensions: ['b', 'PL', wide(offset++)],
      }),
    );
    await store.writer.commit([stateChange(events)]);
    model.commit([stateChange(events)]);
  };
  const lose = (minute: number, block = 0) => client.remove(keyOf(minute, block));
  const rollup = (query: RollupQuery) => store.reader.rollup(query);
  const reopen = async (): Promise<void> => {
    store = await store.reopen();
  };
  const exists = (minute: number) => client.exists(keyOf(minute, 0));
  const keepFor = async (retentionMs: number): Promise<void> => {
    await store.close();
    store = await openBoth(place, { ...OPTIONS, retentionMs });
  };
  return { rollup, commit, model, lose, reopen, exists, keepFor };
}

const LOST = {
  code: 'STATE_CORRUPT',
  message: expect.stringMatching(/have lost the record "0 \d+ \d+" of .*-minutes/),
};

describe('a lost record of a minute is told, and no other minute is the worse for it', () => {
  // The last 16 minutes are known with their ends, older ones by the index only.
  it.each([
    ['the newest minute', MINUTES - 1],
    ['an old minute', 0],
  ])('of %s', async (_, lost) => {
    const { rollup, commit, model, lose } = await open();
    for (let minute = 0; minute < MINUTES; minute++) await commit(minute);
    await lose(lost);
    await expect(rollup(minuteAt(lost))).rejects.toMatchObject(LOST);
    await commit(lost);
    await expect(rollup(minuteAt(lost))).rejects.toMatchObject(LOST);
    for (const minute of [1, MINUTES - 2])
      expect(await rollup(minuteAt(minute))).toEqual(model.rollup(minuteAt(minute)));
    await expect(rollup({ ...minuteAt(0), to: minuteAt(MINUTES).to })).rejects.toMatchObject(LOST);
  });

  it.each([0, 1, 2])('block %i of three, also when the minute goes on and becomes old', async (lost) => {
    const { rollup, commit, model, lose, reopen } = await open();
    for (let n = 0; n < 3; n++) await commit(0, 400);
    await lose(0, lost);
    await expect(rollup(minuteAt(0))).rejects.toMatchObject(LOST);
    await commit(0);
    await expect(rollup(minuteAt(0))).rejects.toMatchObject(LOST);
    for (let minute = 1; minute < MINUTES; minute++) await commit(minute);
    // One that has to find where the old minute ends.
    await reopen();
    await commit(0);
    await expect(rollup(minuteAt(0))).rejects.toMatchObject(LOST);
    expect(await rollup(minuteAt(1))).toEqual(model.rollup(minuteAt(1)));
  });

  it('not for a minute that is over, or that was never there', async () => {
    const { rollup, commit, lose } = await open();
    await commit(0);
    await lose(0);
    await commit(2 * 24 * 60);
    expect((await rollup(minuteAt(0))).rows).toEqual([]);
    expect((await rollup(minuteAt(2 * 24 * 60 - 1))).rows).toEqual([]);
  });
});

describe('a minute that was over before minutes are kept for longer', () => {
  it('is empty, not lost, and takes no more events', async () => {
    const { rollup, commit, exists, keepFor } = await open();
    const nextDay = 25 * 60;
    for (const minute of [0, 1, nextDay]) await commit(minute);
    await expect.poll(() => exists(0)).toBe(false);
    await keepFor(7 * OPTIONS.retentionMs);
    expect((await rollup(minuteAt(0))).rows).toEqual([]);
    await commit(0);
    expect((await rollup(minuteAt(0))).rows).toEqual([]);
    expect((await rollup(minuteAt(nextDay))).rows).toHaveLength(1);
    await commit(nextDay + 1);
    expect((await rollup(minuteAt(nextDay + 1))).rows).toHaveLength(1);
  });
});
