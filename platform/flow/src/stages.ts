import { MillraceError } from '@millrace/core';
import type { JsonValue, Message } from '@millrace/core';
import type { Eventual, Step } from './flow.ts';

/** A step that makes any number of messages of one. */
export type Stage = (message: Message) => Eventual<readonly Message[]>;

type Single = Exclude<Step, { readonly batch: unknown }>;

/** What the step does, for every step but a batch. */
export function stageOf(step: Single): Stage {
  if ('map' in step) return async (message) => [{ ...message, value: await step.map(message.value, message) }];
  if ('filter' in step) return async (message) => ((await step.filter(message.value, message)) ? [message] : []);
  if ('rename' in step) return (message) => [{ ...message, value: renamed(objectOf(message, 'rename'), step.rename) }];
  if ('key' in step) return (message) => [{ ...message, key: keyOf(objectOf(message, 'key'), step.key) }];
  return (message) => listOf(message, step.flatten).map((value) => ({ ...message, value }));
}

type JsonObject = Readonly<Record<string, JsonValue>>;

function renamed(value: JsonObject, names: Readonly<Record<string, string>>): JsonObject {
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [Object.hasOwn(names, name) ? names[name]! : name, field]),
  );
}

function keyOf(value: JsonObject, field: string): string {
  const key = value[field];
  if (typeof key === 'string') return key;
  if (typeof key === 'number' || typeof key === 'boolean') return String(key);
  throw unfit('key', `has no text or number in the field ${field}`);
}

function listOf(message: Message, flatten: true | string): readonly JsonValue[] {
  const list = flatten === true ? message.value : objectOf(message, 'flatten')[flatten];
  if (Array.isArray(list)) return list as readonly JsonValue[];
  throw unfit('flatten', flatten === true ? 'is no list' : `has no list in the field ${flatten}`);
}

function objectOf({ value }: Message, step: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw unfit(step, 'is no object');
}

const unfit = (step: string, what: string): MillraceError =>
  new MillraceError('INVALID_ARGUMENT', `${step}: the message's value ${what}`, { field: 'value' });
