import {
  choiceOption,
  defineOptions,
  defineSink,
  type JsonValue,
  jsonText,
  type Message,
  MillraceError,
  secondsOption,
  type SinkConnector,
  Skipped,
  stringOption,
} from '@millrace/core';
import { connectionOptions, redisAddress } from '../address.ts';
import { keyPlace } from '../key-place.ts';
import { connectSink, type EncodedCommand, type Together, type Word } from './redis-sink.ts';

/** Field of a value with its own time to live, in seconds. */
const TTL_FIELD = '__ttl_seconds';

/** `redis://`: one key per message, its value the message's as JSON. */
export const keyPublisher: SinkConnector = defineSink({
  options: defineOptions('redis', {
    ...connectionOptions,
    keyPrefix: stringOption({
      optional: true,
      description: 'In front of every key; default: the path of the URL and `:`',
    }),
    keyField: stringOption({
      default: '__dagserver_key',
      minLength: 1,
      description: 'Field of the value that is the key of a message without one; it is not stored',
    }),
    ttlSeconds: secondsOption({
      optional: true,
      min: 0.001,
      description: 'Time to live of the keys; a field `__ttl_seconds` of the value, which is not stored, goes before',
    }),
    onMissingKey: choiceOption({
      choices: ['reject', 'log'],
      default: 'reject',
      description:
        'What becomes of a message without a key: an error to its caller, or a line in the log, and it counts as `skipped`',
    }),
  }),
  prepare: ({ url, text, values }) => {
    const { db, prefix } = keyPlace(url, values);
    const address = redisAddress(text, { ...values, db });
    const { keyField, ttlSeconds, onMissingKey } = values;
    return {
      encode: (message: Message): EncodedCommand | Skipped => {
        const { key, value, ttl } = parts(message, keyField);
        if (key === undefined) return withoutKey(keyField, onMissingKey);
        const ttlMs = ttl ?? ttlSeconds;
        const body = jsonText(value);
        const name = prefix + key;
        return {
          bytes: name.length + body.length,
          command: ttlMs === undefined ? ['set', name, body] : ['set', name, body, 'PX', Math.ceil(ttlMs)],
        };
      },
      connect: (signal) => connectSink(address, setTogether, signal),
    };
  },
});

/** Plain `SET`s as one `MSET`; not on a Cluster, whose nodes each hold some of the keys. */
const setTogether: Together = (client, commands) => {
  if (client.isCluster) return undefined;
  const words: Word[] = [];
  for (const command of commands) {
    const [, key, value] = command;
    if (command.length !== 3) return undefined;
    words.push(key!, value!);
  }
  return client.mset(words);
};

interface Parts {
  readonly key: string | undefined;
  readonly value: JsonValue;
  readonly ttl: number | undefined;
}

/** Takes the key and the time to live out of a value that carries them. */
function parts({ key, value }: Message, keyField: string): Parts {
  if (typeof value !== 'object' || value === null || !isObject(value)) return { key, value, ttl: undefined };
  // Copied only when there is something to leave out: this runs for every message.
  if (!(keyField in value || TTL_FIELD in value)) return { key, value, ttl: undefined };
  const { [keyField]: field, [TTL_FIELD]: seconds, ...rest } = value;
  const named = typeof field === 'string' || typeof field === 'number' ? String(field) : '';
  const ttl = Number(seconds);
  return {
    key: key ?? (named === '' ? undefined : named),
    value: rest,
    ttl: ttl > 0 ? ttl * 1000 : undefined,
  };
}

const isObject = (value: object): value is Readonly<Record<string, JsonValue>> => !Array.isArray(value);

function withoutKey(keyField: string, onMissingKey: 'reject' | 'log'): Skipped {
  const message = `the message has no key, and its value no field ${keyField}: give it one`;
  if (onMissingKey === 'reject') {
    throw new MillraceError('INVALID_ARGUMENT', message, { field: 'key', accepted: 'a text' });
  }
  return new Skipped(message);
}
