/** What became of the numbered messages of one lane. */
export interface Account {
  /** Acknowledged to the sender. */
  readonly acknowledged: number;
  /** Sent, and neither acknowledged nor refused for sure: legal to arrive, legal not to. */
  readonly inDoubt: number;
  /** Acknowledged and never received. */
  readonly lost: number;
  /** Received once more than once. */
  readonly doubled: number;
}

/** Numbers messages, and remembers which were acknowledged and how often each one arrived. */
export class Ledger {
  readonly #acknowledged: boolean[] = [];
  readonly #received: number[] = [];
  #different = 0;

  /** The next message's number. */
  take(): number {
    this.#received.push(0);
    return this.#acknowledged.push(false) - 1;
  }

  acknowledge(number: number): void {
    this.#acknowledged[number] = true;
  }

  /** @param times more than one where a state counts them */
  receive(number: number, times = 1): void {
    const before = this.#received[number];
    if (before === undefined) throw new Error(`message ${number} arrived and was never sent`);
    if (before === 0 && times > 0) this.#different++;
    this.#received[number] = before + times;
  }

  get sent(): number {
    return this.#received.length;
  }

  /** How many different ones have arrived. */
  get received(): number {
    return this.#different;
  }

  account(): Account {
    let [acknowledged, lost, doubled] = [0, 0, 0];
    for (let number = 0; number < this.sent; number++) {
      const times = this.#received[number]!;
      if (this.#acknowledged[number] === true) {
        acknowledged++;
        if (times === 0) lost++;
      }
      doubled += Math.max(0, times - 1);
    }
    return { acknowledged, inDoubt: this.sent - acknowledged, lost, doubled };
  }
}
