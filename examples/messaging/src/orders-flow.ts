// A flow: orders from a file, those of Poland only, with tax, in lists of two. `millrace flow run orders-flow.ts` runs it.
import type { JsonValue } from '@millrace/core';

interface Order {
  readonly country: string;
  readonly total: number;
}

const asOrder = (value: JsonValue): Order => value as unknown as Order;

export const flow = {
  source: 'file:orders.jsonl',
  steps: [
    { filter: (value: JsonValue) => asOrder(value).country === 'PL' },
    { map: (value: JsonValue) => ({ total: asOrder(value).total, tax: asOrder(value).total * 0.23 }) },
    { batch: 2 },
  ],
  sink: 'file:polish-orders.jsonl',
};
