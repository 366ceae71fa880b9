import { Fifo } from './fifo.ts';
import { LOWEST_PRIORITY } from './priority.ts';

/** What decides which of the queued messages goes next. */
export interface Lanes<T> {
  readonly length: number;
  push(item: T): void;
  shift(): T | undefined;
  /** Removes what the overflow policy gives up first: the oldest of the least urgent. */
  evict(): T | undefined;
  /** Removes every item for which `keeps` is false. */
  retain(keeps: (item: T) => boolean): void;
}

export class FifoLane<T> implements Lanes<T> {
  readonly #items = new Fifo<T>();

  get length(): number {
    return this.#items.length;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    return this.#items.shift();
  }

  evict(): T | undefined {
    return this.#items.shift();
  }

  retain(keeps: (item: T) => boolean): void {
    this.#items.retain(keeps);
  }
}

/** One first-in-first-out lane per priority: the most urgent lane goes first. */
export class PriorityLanes<T extends { readonly priority: number }> implements Lanes<T> {
  readonly #lanes = Array.from({ length: LOWEST_PRIORITY }, () => new Fifo<T>());
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(item: T): void {
    this.#lanes[item.priority - 1]!.push(item);
    this.#length++;
  }

  shift(): T | undefined {
    return this.#shiftFirst(this.#lanes);
  }

  evict(): T | undefined {
    return this.#shiftFirst(this.#lanes.toReversed());
  }

  retain(keeps: (item: T) => boolean): void {
    for (const lane of this.#lanes) lane.retain(keeps);
    this.#length = this.#lanes.reduce((sum, { length }) => sum + length, 0);
  }

  #shiftFirst(lanes: readonly Fifo<T>[]): T | undefined {
    const lane = lanes.find(({ length }) => length > 0);
    if (lane === undefined) return undefined;
    this.#length--;
    return lane.shift();
  }
}
