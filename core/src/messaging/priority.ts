import type { JsonValue } from '../publisher.ts';

export const LOWEST_PRIORITY = 5;

/**
 * Gives the priority of a message's value: 1 is the most urgent, 5 the least and the default. When it throws, a
 * publisher rejects the message with REFUSED; a subscriber delivers it as the least urgent, and counts it.
 */
export type PriorityExtractor = (value: JsonValue) => number;

/**
 * Reads the priority from a field of the value. What is no number, is missing, or lies outside of 1 to 5 is 5; fractions
 * are cut off.
 *
 * @example
 * const priorityOf = priorityFrom('_dag_priority');
 * priorityOf({ _dag_priority: '3' });   // 3
 * priorityOf({ _dag_priority: 0 });     // 5
 */
export function priorityFrom(key: string): PriorityExtractor {
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return LOWEST_PRIORITY;
    return clampPriority((value as Readonly<Record<string, JsonValue>>)[key]);
  };
}

/** How a priority queue reads priorities: from a field of the value, unless the application has a function for it. */
export interface PriorityQueue {
  readonly key: string;
  readonly priorityOf: PriorityExtractor;
}

/** Undefined where the options ask for no priority queue. */
export function priorityQueueOf(
  values: { readonly queueType: 'fifo' | 'priority'; readonly dagPriorityKey: string | undefined },
  extractor: PriorityExtractor | undefined,
): PriorityQueue | undefined {
  if (values.queueType === 'fifo') return undefined;
  const key = values.dagPriorityKey ?? '_dag_priority';
  return { key, priorityOf: extractor ?? priorityFrom(key) };
}

/** A whole number from 1 to 5 of anything. */
export function clampPriority(input: unknown): number {
  const number = toInteger(input);
  return number >= 1 && number < LOWEST_PRIORITY ? number : LOWEST_PRIORITY;
}

function toInteger(input: unknown): number {
  if (typeof input === 'number' || typeof input === 'boolean') return Math.trunc(Number(input));
  // As whole numbers are written; a text such as "3.9" is none.
  return typeof input === 'string' && /^\s*[+-]?\d+\s*$/.test(input) ? Number(input) : Number.NaN;
}
