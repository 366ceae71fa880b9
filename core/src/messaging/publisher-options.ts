import {
  booleanOption,
  choiceOption,
  defineOptions,
  integerOption,
  secondsOption,
  sizeOption,
  stringOption,
} from '../config/index.ts';
import type { OptionValues } from '../config/index.ts';

/** What every publisher takes, beside the options of its connector. */
export const publisherOptions = defineOptions('publisher', {
  publishInterval: secondsOption({
    default: 0,
    description: 'Send what is queued so often; 0 sends at once, and meanwhile collects the next batch',
  }),
  batchSize: integerOption({
    optional: true,
    min: 1,
    description: 'With an interval: send also when so many are queued',
  }),
  maxQueueDepth: integerOption({ default: 100_000, min: 1, description: 'Bound of the queue, in messages' }),
  maxQueueBytes: sizeOption({
    default: '64MiB',
    min: '1',
    description: 'Bound of the queue, in bytes of encoded messages',
  }),
  overflow: choiceOption({
    choices: ['block', 'drop-oldest', 'drop-newest'],
    default: 'block',
    description: 'What a full queue does: let the caller wait, or drop (counted and logged)',
  }),
  queueType: choiceOption({
    choices: ['fifo', 'priority'],
    default: 'fifo',
    anyCase: true,
    description: 'Order of sending: of the calls, or by priority, 1 (first) to 5, and of the calls within one',
  }),
  dagPriorityKey: stringOption({
    optional: true,
    minLength: 1,
    description: 'Field of the value that holds its priority; `_dag_priority` when the queue is a priority queue',
  }),
  keyField: stringOption({
    optional: true,
    minLength: 1,
    description:
      'Take the key out of this field of the value, for messages without a key; `__dagserver_key` is the usual one',
  }),
  resilient: booleanOption({
    default: false,
    description: 'Short for `retry_max` 5 and `after_retries` buffer, unless they are set',
  }),
  retryMax: integerOption({
    optional: true,
    min: 1,
    description: 'Attempts per message, the first included; unlimited without it',
  }),
  retryBackoff: secondsOption({
    default: 0.02,
    description: 'Wait after the first failed attempt; doubled after each',
  }),
  retryMaxBackoff: secondsOption({ default: 0.5, description: 'No wait between attempts is longer' }),
  afterRetries: choiceOption({
    choices: ['refuse', 'buffer'],
    optional: true,
    description:
      'When the attempts are used up: reject the message (the default), or accept it into the outage buffer, to be sent when the target is back',
  }),
  bufferMaxMessages: integerOption({ default: 10_000, min: 1, description: 'Bound of the outage buffer, in messages' }),
  bufferOverflow: choiceOption({
    choices: ['block', 'drop-oldest'],
    default: 'block',
    description: 'What a full outage buffer does: let the callers of `publish` wait, or drop (counted and logged)',
  }),
  maxBatch: integerOption({ default: 1000, min: 1, description: 'At most so many messages in one request' }),
  wal: stringOption({
    optional: true,
    minLength: 1,
    description: 'URL of an event log for a write-ahead buffer, `embedded:DIR`: a message is safe once it is in there',
  }),
  walMaxBytes: sizeOption({
    default: '2GiB',
    min: '1',
    description: 'Bound of the write-ahead buffer, in bytes; callers wait while it is full',
  }),
});

export type PublisherValues = OptionValues<typeof publisherOptions>;

/** Documented names that differ from the option's own. */
export const PUBLISHER_ALIASES = {
  dag_priority: 'dagPriorityKey',
  priority_key: 'dagPriorityKey',
  retry_backoff_seconds: 'retryBackoff',
} as const;
