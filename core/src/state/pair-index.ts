/**
 * Numbers pairs of int32 from 0 in the order in which they are first seen: an open-addressing hash table on typed
 * arrays. A `Map` would need one number or text per pair, and takes several times as long for hundreds of thousands.
 */
export class PairIndex {
  #firsts: Int32Array;
  #seconds: Int32Array;
  /** By hash, one more than a pair's number; 0 is free. Twice as many as there is room for pairs. */
  #slots: Int32Array;
  #size = 0;

  /** @param expected so many pairs fit before the table grows */
  constructor(expected = 64) {
    const room = 2 ** Math.ceil(Math.log2(Math.max(expected, 64)));
    this.#firsts = new Int32Array(room);
    this.#seconds = new Int32Array(room);
    this.#slots = new Int32Array(room * 2);
  }

  get size(): number {
    return this.#size;
  }

  first(number: number): number {
    return this.#firsts[number]!;
  }

  second(number: number): number {
    return this.#seconds[number]!;
  }

  /** The pair's number; a new one is {@link size} as it was before. */
  number(first: number, second: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let at = hash(first, second) & mask;
    for (let number = slots[at]!; number !== 0; number = slots[at]!) {
      if (this.#firsts[number - 1] === first && this.#seconds[number - 1] === second) return number - 1;
      at = (at + 1) & mask;
    }
    if (this.#size === this.#firsts.length) {
      this.#grow();
      return this.number(first, second);
    }
    this.#firsts[this.#size] = first;
    this.#seconds[this.#size] = second;
    slots[at] = ++this.#size;
    return this.#size - 1;
  }

  #grow(): void {
    const room = this.#firsts.length * 2;
    const [firsts, seconds] = [new Int32Array(room), new Int32Array(room)];
    firsts.set(this.#firsts);
    seconds.set(this.#seconds);
    const slots = new Int32Array(room * 2);
    const mask = slots.length - 1;
    for (let number = 0; number < this.#size; number++) {
      let at = hash(firsts[number]!, seconds[number]!) & mask;
      while (slots[at] !== 0) at = (at + 1) & mask;
      slots[at] = number + 1;
    }
    this.#firsts = firsts;
    this.#seconds = seconds;
    this.#slots = slots;
  }
}

/** Spreads neighbours over the whole table (multipliers of xxHash32). */
function hash(first: number, second: number): number {
  const mixed = Math.imul(first, 0x9e3779b1) ^ Math.imul(second, 0x85ebca77);
  return Math.imul(mixed ^ (mixed >>> 15), 0xc2b2ae3d) >>> 7;
}
