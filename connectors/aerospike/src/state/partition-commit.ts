import type { StateEvent, StateSchema } from '@millrace/core';
import { canonicalInt32, EventEncoder, minuteOf } from '@millrace/core/state';

import type { Records } from '../records.ts';
import { CHAIN_START, SIZE_BIN, sizeOf } from './chain.ts';
import type { StateKeys } from './keys.ts';
import { MinuteWrite } from './minute-write.ts';
import type { OwnedPartition } from './owned-partition.ts';
import type { PendingWrite } from './pending-write.ts';
import { type TimelineLimits, TimelineStep, TimelineWrite } from './timeline-write.ts';

interface CommitOptions {
  readonly records: Records;
  readonly keys: StateKeys;
  readonly schema: StateSchema;
  readonly limits: TimelineLimits;
  readonly encoder: EventEncoder;
}

/** What one commit adds to one partition, gathered event by event. */
export class PartitionCommit {
  readonly #options: CommitOptions;
  readonly #partition: number;
  readonly #owned: OwnedPartition;
  readonly #from: number;
  readonly #step: TimelineStep;
  readonly #timelines = new Map<string, TimelineWrite>();
  readonly #events = new Map<number, { readonly event: StateEvent; readonly numbers: readonly number[] }[]>();
  #minutes: readonly MinuteWrite[] = [];
  late = 0;
  duplicates = 0;

  /** @param from where the commit begins */
  constructor(options: CommitOptions, partition: number, owned: OwnedPartition, from: number) {
    this.#options = options;
    this.#partition = partition;
    this.#owned = owned;
    this.#from = from;
    this.#step = new TimelineStep(options.records, partition, from, options.limits);
  }

  addEvent(event: StateEvent, oldestMinute: number): void {
    const { encoder, keys } = this.#options;
    const { dictionaries } = this.#owned;
    const numbers = event.dimensions.map((text, at) => dictionaries[at]?.intern(text) ?? canonicalInt32(text));
    const bytes = encoder.encode(event, numbers);
    const timeline = this.#timelines.get(event.key);
    if (timeline === undefined) {
      const key = keys.timeline(event.key);
      this.#timelines.set(event.key, new TimelineWrite(this.#step, key, event.offset, bytes));
    } else {
      timeline.add(event.offset, bytes);
    }
    const minute = minuteOf(event.time);
    if (minute < oldestMinute) {
      this.late++;
      return;
    }
    const events = this.#events.get(minute);
    if (events === undefined) this.#events.set(minute, [{ event, numbers }]);
    else events.push({ event, numbers });
  }

  /** Everything but the status, which goes last. */
  async writes(): Promise<PendingWrite[]> {
    const { records, keys, schema } = this.#options;
    await this.#findEnds();
    const step = { records, keys, schema, partition: this.#partition, from: this.#from };
    this.#minutes = [...this.#events].map(([minute, events]) => {
      const write = new MinuteWrite(step, minute, this.#owned.positions.get(minute) ?? CHAIN_START);
      for (const { event, numbers } of events) write.add(event, numbers);
      return write;
    });
    return [...this.#timelines.values(), ...this.#minutes];
  }

  /** Notes where the minutes end now, once all is written. */
  settle(to: number): void {
    const { positions, recent, minutes } = this.#owned;
    for (const { minute, position } of this.#minutes) {
      positions.set(minute, position);
      recent.set(minute, position, to);
      minutes.set(minute, position.block);
    }
  }

  /** Where the chains end of those minutes that exist but were not written for long. */
  async #findEnds(): Promise<void> {
    const { records, keys } = this.#options;
    const { positions, minutes } = this.#owned;
    const open = [...this.#events.keys()].flatMap((minute) => {
      const block = minutes.lastBlock(minute);
      return block === undefined || positions.get(minute) !== undefined ? [] : [{ minute, block }];
    });
    if (open.length === 0) return;
    const found = await records.read(
      open.map(({ minute, block }) => keys.minute(this.#partition, minute, block)),
      [SIZE_BIN],
    );
    open.forEach(({ minute, block }, at) => positions.set(minute, { block, size: sizeOf(found[at]) }));
  }
}
