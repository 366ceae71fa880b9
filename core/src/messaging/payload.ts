import type { JsonValue, Message } from '../publisher.ts';
import { LOWEST_PRIORITY } from './priority.ts';

/** The field of a value that holds its key, in programs that know objects only. */
export const KEY_FIELD = '__dagserver_key';

/**
 * A message of a value that carries its key in a field, which is taken out. A key that is absent, empty, 0, null or
 * false is none: the message has no key then. A number becomes its text.
 *
 * @example
 * messageFrom({ __dagserver_key: 'order-1', total: 12 });   // { key: 'order-1', value: { total: 12 } }
 */
export function messageFrom(value: JsonValue, field: string = KEY_FIELD): Message {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { value };
  const { [field]: key, ...rest } = value as Readonly<Record<string, JsonValue>>;
  if (key === undefined) return { value };
  if (typeof key === 'string' || typeof key === 'number') {
    return key === '' || key === 0 ? { value: rest } : { key: String(key), value: rest };
  }
  return key === true ? { key: 'true', value: rest } : { value: rest };
}

/**
 * A payload that names its destination and carries a context (`cde`) beside it.
 *
 * @example
 * const payload = new DataAwarePayload({ destination: 'orders', payload: { total: 12 } });
 * payload.addToCde('trace', 'a1');
 * payload.forPublication();   // ['orders', { cde: { trace: 'a1' }, payload: { total: 12 } }]
 */
export class DataAwarePayload {
  readonly destination: string | undefined;
  readonly payload: JsonValue;
  /** 1 (first) to 5. */
  readonly priority: number;
  readonly #cde: Record<string, JsonValue>;

  constructor({
    destination,
    cde = {},
    payload,
    priority = LOWEST_PRIORITY,
  }: {
    readonly destination?: string;
    readonly cde?: Readonly<Record<string, JsonValue>>;
    readonly payload: JsonValue;
    readonly priority?: number;
  }) {
    this.destination = destination;
    this.payload = payload;
    this.priority = priority;
    this.#cde = { ...cde };
  }

  get cde(): Readonly<Record<string, JsonValue>> {
    return this.#cde;
  }

  addToCde(name: string, value: JsonValue): void {
    this.#cde[name] = value;
  }

  /** As it is written to JSON, with the names that other programs read. */
  toJSON(): { readonly [field: string]: JsonValue } {
    return { destination: this.destination ?? null, cde: this.cde, payload: this.payload, dag_priority: this.priority };
  }

  /** Destination (empty when there is none) and value: the payload alone where the context is empty. */
  forPublication(): readonly [destination: string, value: JsonValue] {
    const bare = Object.keys(this.#cde).length === 0;
    return [this.destination ?? '', bare ? this.payload : { cde: this.cde, payload: this.payload }];
  }
}
