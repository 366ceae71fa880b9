import { join } from 'node:path';

import { minuteOf } from '@millrace/core/state';
import { STATE_MINUTE, STATE_SCHEMA, STATE_START, stateChange, stateEvent } from '@millrace/testkit';
import { ClassicLevel } from 'classic-level';
import { expect, it } from 'vitest';

import { chunkKey, directoryKey } from '../../src/state/keys.ts';
import { openEmbeddedStateReader } from '../../src/state/reader.ts';
import { openEmbeddedStateWriter } from '../../src/state/writer.ts';
import { temporaryDirectory } from '../fixtures.ts';

const HOURS = 26;
const KEPT_HOURS = 24;
const ROWS_PER_MINUTE = 20;
const FIRST = minuteOf(STATE_START);
const MINUTES = HOURS * 60;

it('removes minutes beyond the retention from the disk, and nothing else', async () => {
  const directory = join(await temporaryDirectory(), 'state');
  const options = { directory, schema: STATE_SCHEMA, partitions: 1, keep: 230, retentionMs: KEPT_HOURS * 3_600_000 };
  const reader = await openEmbeddedStateReader(options);
  const writer = await openEmbeddedStateWriter(options);
  let offset = 0;
  for (let minute = 0; minute < MINUTES; minute++) {
    const events = Array.from({ length: ROWS_PER_MINUTE }, (_, row) => {
      const time = STATE_START + minute * STATE_MINUTE + row;
      return stateEvent(offset++, {
        key: `c-${minute}`,
        time,
        appendedAt: time,
        dimensions: ['b', 'PL', `p${offset}`],
      });
    });
    await writer.commit([stateChange(events)]);
  }
  const query = { from: STATE_START, to: STATE_START + MINUTES * STATE_MINUTE, where: {}, groupBy: [], limit: 1 };
  const { rows } = await reader.rollup(query);
  // The newest event lies in the last minute, so the minute 24 hours before it is the oldest.
  const oldest = MINUTES - 1 - KEPT_HOURS * 60;
  expect(rows.map(({ minute }) => minuteOf(minute) - FIRST)).toEqual(
    Array.from({ length: MINUTES - oldest }, (_, at) => oldest + at),
  );
  expect(rows.every(({ count }) => count === ROWS_PER_MINUTE)).toBe(true);
  const timeline = await reader.timeline('c-0', { kind: 0, from: 0, to: Infinity, limit: 200 });
  expect(timeline).toHaveLength(ROWS_PER_MINUTE);
  await writer.close();
  await reader.close();

  const level = new ClassicLevel<Buffer, Buffer>(directory, { keyEncoding: 'buffer', valueEncoding: 'buffer' });
  try {
    const present = await level.keys({ gte: directoryKey(0), lt: directoryKey(FIRST + MINUTES) }).all();
    expect(present).toEqual(Array.from({ length: MINUTES - oldest }, (_, at) => directoryKey(FIRST + oldest + at)));
    const removed = { gte: chunkKey(0, 0), lt: chunkKey(FIRST + oldest, 0) };
    expect(await level.keys(removed).all()).toEqual([]);
    expect(await level.keys({ gte: removed.lt, lt: chunkKey(FIRST + MINUTES, 0), limit: 1 }).all()).toHaveLength(1);
    // What is deleted goes with LevelDB's next compaction of that range.
    await level.compactRange(removed.gte, removed.lt);
    expect(await level.approximateSize(removed.gte, removed.lt)).toBe(0);
  } finally {
    await level.close();
  }
});
