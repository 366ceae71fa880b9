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

/** What every subscriber takes, beside the options of its connector. */
export const subscriberOptions = defineOptions('subscriber', {
  maxDepth: integerOption({
    default: 100_000,
    min: 1,
    description:
      'Messages received ahead of the application; with `ack` manual, also those it has not acknowledged count',
  }),
  maxDepthBytes: sizeOption({
    default: '16MiB',
    min: '1',
    description: 'The same bound in bytes, about',
  }),
  ack: choiceOption({
    choices: ['auto', 'manual'],
    default: 'auto',
    description:
      'When a message counts as done: auto, once the next one is asked for or its handler has resolved; manual, when `acknowledge` is called',
  }),
  decode: choiceOption({
    choices: ['json', 'smart'],
    default: 'json',
    description:
      'Value of a message: its JSON value, or an object in every case; text that is no JSON is wrapped by both',
  }),
  autoPackageNonDict: booleanOption({
    default: false,
    description: 'Wrap values that are no objects into one, under `package_wrapper_key`',
  }),
  packageWrapperKey: stringOption({
    default: 'payload',
    minLength: 1,
    description: 'Field that holds a wrapped value',
  }),
  addPackageMetadata: booleanOption({
    default: true,
    description: 'Add `_metadata` to what was wrapped: subscriber, source, time',
  }),
  preserveRawOnError: booleanOption({
    default: true,
    description: 'Deliver bytes that are no text, as hexadecimal digits with `_error`; otherwise count and skip them',
  }),
  queueType: choiceOption({
    choices: ['fifo', 'priority'],
    default: 'fifo',
    anyCase: true,
    description: 'Order of delivery: of arrival, or by priority, 1 (first) to 5, and of arrival within one',
  }),
  dagPriorityKey: stringOption({
    optional: true,
    minLength: 1,
    description: 'Field of the value that holds its priority; `_dag_priority` when the queue is a priority queue',
  }),
  idlePollInterval: secondsOption({
    default: 0.005,
    description: 'Wait after the source has answered that there is nothing',
  }),
  retryBackoff: secondsOption({ default: 0.02, description: 'Wait after the first failure; doubled after each' }),
  retryMaxBackoff: secondsOption({ default: 0.5, description: 'No wait between attempts is longer' }),
});

export type SubscriberValues = OptionValues<typeof subscriberOptions>;

/** Documented names that differ from the option's own. */
export const SUBSCRIBER_ALIASES = {
  dag_priority: 'dagPriorityKey',
  priority_key: 'dagPriorityKey',
  retry_backoff_seconds: 'retryBackoff',
} as const;
