import { setTimeout as sleep } from 'node:timers/promises';

import { hasCode, MillraceError } from '@millrace/core';
import { Admin, ConfigResourceTypes } from '@platformatic/kafka';

import { type ClientOptions, retryDelay } from './client-options.ts';
import { answered, kafkaError, mayPass } from './errors.ts';
import type { TopicValues } from './options.ts';
import type { TopicAddress } from './url.ts';

export interface Topic {
  readonly name: string;
  readonly partitions: number;
  /** The largest batch that the broker takes, `max.message.bytes`. */
  readonly maxMessageBytes: number;
}

/** Undefined: what the broker says. */
export interface TopicPlan {
  readonly partitions?: number | undefined;
  readonly replicationFactor?: number | undefined;
  /** Such as `retention.ms`. */
  readonly settings: Readonly<Record<string, string>>;
}

/** What the options of a URL say about a topic that is made, and how long its records are kept without them. */
export function planOf(
  { replicationFactor, retention }: TopicValues,
  rest: { readonly partitions?: number | undefined; readonly settings?: Readonly<Record<string, string>> },
): TopicPlan {
  return {
    partitions: rest.partitions,
    replicationFactor,
    settings: { ...rest.settings, ...(retention === undefined ? {} : { 'retention.ms': String(retention) }) },
  };
}

/** Kafka's own default, for a topic whose settings may not be read. */
const USUAL_MAX_MESSAGE_BYTES = 1_048_588;
/** A broker that starts, or a topic that was made just now, has no leaders yet. */
const PATIENCE_MS = 10_000;

export interface TopicWait {
  readonly signal?: AbortSignal;
  /** How long a broker that cannot be reached is asked again, milliseconds. Default 10 s. */
  readonly patienceMs?: number;
}

/**
 * Asks for the topic and makes it by the plan where there is none.
 *
 * @throws UNAVAILABLE, UNAUTHORIZED, REFUSED, NOT_FOUND (no topic and no plan), CANCELLED
 */
export async function openTopic(
  address: TopicAddress,
  options: ClientOptions,
  plan?: TopicPlan,
  { signal, patienceMs = PATIENCE_MS }: TopicWait = {},
): Promise<Topic> {
  const admin = new Admin({ ...options, retries: 0 });
  const startedAt = performance.now();
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        const topic = await askFor(admin, address, plan);
        if (topic !== undefined) return topic;
      } catch (error) {
        if (performance.now() - startedAt >= patienceMs || !mayPass(error)) throw kafkaError(error, address.display);
      }
      if (performance.now() - startedAt > PATIENCE_MS) {
        throw new MillraceError('UNAVAILABLE', `the topic at ${address.display} has partitions without a leader`);
      }
      await pause(retryDelay(attempt), signal);
    }
  } finally {
    await admin.close();
  }
}

async function askFor(admin: Admin, address: TopicAddress, plan: TopicPlan | undefined): Promise<Topic | undefined> {
  const { topic: name } = address;
  const partitions = await partitionsOf(admin, name);
  if (partitions === 'no topic') {
    if (plan === undefined) {
      throw new MillraceError('NOT_FOUND', `there is no topic ${name} at ${address.display}: create it first`, {
        field: 'url',
        value: address.display,
        accepted: 'a topic that exists, or create_topic=true',
      });
    }
    await createTopic(admin, name, plan);
    return undefined;
  }
  if (partitions === 'no leader') return undefined;
  return { name, partitions, maxMessageBytes: await maxMessageBytes(admin, name) };
}

async function partitionsOf(admin: Admin, name: string): Promise<number | 'no topic' | 'no leader'> {
  try {
    const { topics } = await admin.metadata({ topics: [name], forceUpdate: true });
    const partitions = topics.get(name)?.partitions ?? [];
    return partitions.length > 0 && partitions.every(({ leader }) => leader >= 0) ? partitions.length : 'no leader';
  } catch (error) {
    if (answered(error, 'LEADER_NOT_AVAILABLE')) return 'no leader';
    // The driver turns the broker's answer into an error of the caller, without its code.
    if (error instanceof Error && error.message === `Unknown topic ${name}.`) return 'no topic';
    throw error;
  }
}

async function createTopic(admin: Admin, name: string, { partitions, replicationFactor, settings }: TopicPlan) {
  try {
    await admin.createTopics({
      topics: [name],
      ...(partitions === undefined ? {} : { partitions }),
      ...(replicationFactor === undefined ? {} : { replicas: replicationFactor }),
      configs: Object.entries(settings).map(([key, value]) => ({ name: key, value })),
    });
  } catch (error) {
    // Another process was quicker.
    if (!answered(error, 'TOPIC_ALREADY_EXISTS')) throw error;
  }
}

async function maxMessageBytes(admin: Admin, topic: string): Promise<number> {
  const key = 'max.message.bytes';
  try {
    const [described] = await admin.describeConfigs({
      resources: [{ resourceType: ConfigResourceTypes.TOPIC, resourceName: topic, configurationKeys: [key] }],
    });
    const value = Number(described?.configs.find(({ name }) => name === key)?.value);
    return value > 0 ? value : USUAL_MAX_MESSAGE_BYTES;
  } catch (error) {
    // Reading and writing need no right to see the settings.
    if (hasCode(kafkaError(error, topic), 'UNAUTHORIZED')) return USUAL_MAX_MESSAGE_BYTES;
    throw error;
  }
}

/** @throws CANCELLED */
export async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(milliseconds, undefined, signal === undefined ? {} : { signal });
  } catch (cause) {
    throw new MillraceError('CANCELLED', 'it was told to stop before Kafka could be reached', { cause });
  }
}
