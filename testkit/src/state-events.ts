import type { PartitionChange, StateEvent, StateSchema } from '@millrace/core';

/** A schema with every kind of column: a kind, bounded and unbounded dimensions, two measures. */
export const STATE_SCHEMA: StateSchema = {
  kinds: ['VIEW', 'BUY'],
  dimensions: [
    { name: 'brand', values: 'bounded' },
    { name: 'country', values: 'bounded' },
    { name: 'product', values: 'unbounded' },
  ],
  measures: ['price', 'discount'],
};

export const STATE_MINUTE = 60_000;
/** A whole minute. */
export const STATE_START = 1_647_950_700_000;

/** An event with defaults for whatever a test does not care about. */
export const stateEvent = (offset: number, given: Partial<StateEvent> = {}): StateEvent => ({
  offset,
  key: 'alice',
  kind: 0,
  time: STATE_START,
  dimensions: ['Nike', 'PL', '7'],
  measures: [100, 0],
  appendedAt: STATE_START,
  ...given,
});

/** A change of partition 0 with these events: from the first one's offset to behind the last one's. */
export const stateChange = (events: readonly StateEvent[], given: Partial<PartitionChange> = {}): PartitionChange => ({
  partition: 0,
  from: events[0]?.offset ?? 0,
  to: (events.at(-1)?.offset ?? -1) + 1,
  events,
  deadLetters: [],
  ...given,
});
