import type { JsonValue } from '@millrace/core';

/** A message as applications send them: 300 bytes of JSON, a handful of fields. */
export type Order = Readonly<Record<string, JsonValue>>;

const BYTES = 300;
const DIFFERENT = 1000;

/** The same few orders again and again, so that making them costs nothing while something is measured. */
export class Orders {
  readonly #orders: readonly Order[] = Array.from({ length: DIFFERENT }, (_, number) => order(number));

  at(number: number): Order {
    return this.#orders[number % DIFFERENT]!;
  }

  /** Whose order it is: a thousand users. */
  keyAt(number: number): string {
    return `user-${number % DIFFERENT}`;
  }
}

function order(number: number): Order {
  const made = {
    id: 1_000_000 + number,
    user: `user-${number}`,
    time: '2026-03-22T12:15:00.000Z',
    total: 1999 + number,
    currency: 'PLN',
    paid: number % 2 === 0,
    items: [
      { product: `product-${number % 97}`, count: 1 + (number % 3), price: 999 },
      { product: `product-${number % 89}`, count: 1, price: 500 },
    ],
  };
  const note = 'n'.repeat(BYTES - JSON.stringify({ ...made, note: '' }).length);
  return { ...made, note };
}
