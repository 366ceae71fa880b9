/** So many slots are left behind before the array is cut: `Array.shift` moves the whole array once it is large. */
const SLACK = 1024;

/** A queue with constant time at both ends. */
export class Fifo<T> {
  #slots: (T | undefined)[] = [];
  #head = 0;

  get length(): number {
    return this.#slots.length - this.#head;
  }

  push(item: T): void {
    this.#slots.push(item);
  }

  /** The oldest item, which stays; undefined when empty. */
  peek(): T | undefined {
    return this.#slots[this.#head];
  }

  /** The oldest `count` items, or all there are; they stay. */
  first(count: number): T[] {
    return this.#slots.slice(this.#head, this.#head + count) as T[];
  }

  /** Takes the oldest item; undefined when empty. */
  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.#slots[this.#head];
    this.#slots[this.#head++] = undefined;
    if (this.#head > SLACK && this.#head * 2 > this.#slots.length) {
      this.#slots = this.#slots.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** Removes every item for which `keeps` is false. */
  retain(keeps: (item: T) => boolean): void {
    this.#slots = this.first(this.length).filter(keeps);
    this.#head = 0;
  }
}
