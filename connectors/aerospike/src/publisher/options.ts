import {
  booleanOption,
  choiceOption,
  defineOptions,
  integerOption,
  type Option,
  type OptionValues,
  stringOption,
} from '@millrace/core';

import { type AerospikeAddress } from '../address.ts';
import { connectionOptions } from '../connection-options.ts';

/** Field of a value with the time to live of its record, in seconds. */
export const TTL_FIELD = '__ttl_seconds';
/** Field of a value with the generation that its record must have. */
export const GENERATION_FIELD = '__generation';

/** As the server understands them: no more than 10 years, and three values with a meaning of their own. */
export const TTL_SECONDS = { min: -2, max: 315_360_000 } as const;

/** Client policies in their own names, as configurations of the original have them. Milliseconds. */
export interface Policies {
  readonly totalTimeout?: number;
  readonly socketTimeout?: number;
  readonly maxRetries?: number;
  readonly commitLevel?: AerospikeAddress['commitLevel'];
  readonly generationPolicy?: 'none' | 'eq' | 'gt';
}

/** By the words of Aerospike's clients, or short. */
const RETRIES = { POLICY_RETRY_NONE: 0, NONE: 0, POLICY_RETRY_ONCE: 1, ONCE: 1 } as const;
const COMMIT_LEVELS = {
  POLICY_COMMIT_LEVEL_ALL: 'all',
  ALL: 'all',
  POLICY_COMMIT_LEVEL_MASTER: 'master',
  MASTER: 'master',
} as const;
const GENERATIONS = {
  POLICY_GEN_IGNORE: 'none',
  NONE: 'none',
  POLICY_GEN_EQ: 'eq',
  EQ: 'eq',
  POLICY_GEN_GT: 'gt',
  GT: 'gt',
} as const;

const isCount = (input: unknown): input is number => Number.isSafeInteger(input) && Number(input) >= 0;
const time = (input: unknown): number | undefined => (isCount(input) && input > 0 ? input : undefined);
const wordOf =
  <T>(words: Readonly<Record<string, T>>) =>
  (input: unknown): T | undefined => {
    const word = String(input).toUpperCase();
    return Object.hasOwn(words, word) ? words[word] : undefined;
  };
const retryWord = wordOf<number>(RETRIES);

const POLICIES: Readonly<Record<string, readonly [keyof Policies, (input: unknown) => number | string | undefined]>> = {
  timeout: ['totalTimeout', time],
  total_timeout: ['totalTimeout', time],
  socket_timeout: ['socketTimeout', time],
  retry: ['maxRetries', (input) => (isCount(input) ? input : retryWord(input))],
  max_retries: ['maxRetries', (input) => (isCount(input) ? input : retryWord(input))],
  commit_level: ['commitLevel', wordOf<string>(COMMIT_LEVELS)],
  generation: ['generationPolicy', wordOf<string>(GENERATIONS)],
};

/** Undefined when it is not accepted. */
function readPolicies(input: unknown): Policies | undefined {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return undefined;
  const policies: Record<string, number | string> = {};
  for (const [name, given] of Object.entries(input)) {
    const known = Object.hasOwn(POLICIES, name) ? POLICIES[name] : undefined;
    const value = known?.[1](given);
    if (known === undefined || value === undefined) return undefined;
    policies[known[0]] = value;
  }
  return policies;
}

const policiesOption: Option<Policies | undefined> = {
  ...stringOption({
    optional: true,
    description: 'Policies of the client in one object; they go before the options of the same meaning',
  }),
  default: undefined,
  accepted: `an object with ${Object.keys(POLICIES).join(', ')} (times in milliseconds)`,
  read: readPolicies,
  format: (value) => JSON.stringify(value),
};

/** Nodes also as a configuration of the original has them: a list of host and port. */
const hostsOption: typeof connectionOptions.hosts = {
  ...connectionOptions.hosts,
  read: (input) =>
    connectionOptions.hosts.read(
      Array.isArray(input)
        ? input.map((node: unknown) => (Array.isArray(node) ? node.join(':') : node)).join(',')
        : input,
    ),
};

export const publisherOptions = defineOptions('aerospike', {
  ...connectionOptions,
  hosts: hostsOption,
  keyField: stringOption({
    default: '__dagserver_key',
    minLength: 1,
    description: 'Field of the value that is the key of a message without one; it is not stored',
  }),
  keyType: choiceOption({
    choices: ['auto', 'string', 'integer', 'bytes'],
    default: 'auto',
    description:
      'Type of the key: as it is in the message, or converted; a text becomes bytes by its hexadecimal digits',
  }),
  onMissingKey: choiceOption({
    choices: ['reject', 'log'],
    default: 'reject',
    description:
      'What becomes of a message without a key: an error to its caller, or a line in the log, and it counts as `skipped`',
  }),
  writeMode: choiceOption({
    choices: ['merge', 'replace', 'create', 'update'],
    default: 'merge',
    description:
      'What becomes of a record that exists: other bins stay, or go (replace), or the message is refused (create); update refuses it when there is none',
  }),
  generationPolicy: choiceOption({
    choices: ['none', 'eq', 'gt'],
    anyCase: true,
    default: 'none',
    description:
      'Refuse a write unless the field `__generation` of the value, which is not stored, equals the generation of the record, or is greater',
  }),
  ttlSeconds: integerOption({
    default: 0,
    ...TTL_SECONDS,
    description:
      'Time to live of a record from each write on; 0 is the default of the namespace, -1 for ever, -2 leaves it as it is; a field `__ttl_seconds` of the value, which is not stored, goes before',
  }),
  sendKey: booleanOption({
    default: true,
    description: 'Store the key with the record, so that scans and queries give it back',
  }),
  policies: policiesOption,
});

export type PublisherValues = OptionValues<typeof publisherOptions>;
