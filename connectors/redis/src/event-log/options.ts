import { choiceOption, defineOptions, durationOption, sizeOption, stringOption } from '@millrace/core';
import { connectionOptions } from '../address.ts';

/** What the URL of a log may say in its query. */
export const eventLogOptions = defineOptions('redis', {
  ...connectionOptions,
  prefix: stringOption({ default: 'millrace', minLength: 1, description: 'First part of all keys of the log' }),
  durable: choiceOption({
    choices: ['require', 'warn', 'ignore'],
    default: 'warn',
    description: 'What to do when the server could lose what it has confirmed: refuse to start, log a warning, nothing',
  }),
  linger: durationOption({ default: '2ms', max: '1s', description: 'How long appends gather before they are sent' }),
  appendTimeout: durationOption({
    default: '30s',
    min: '100ms',
    description: 'An append that Redis has not confirmed after so long is rejected',
  }),
  maxWaiting: sizeOption({ default: '64MiB', min: '1KiB', description: 'Appends that may wait for Redis' }),
  fetchInterval: durationOption({
    default: '10ms',
    max: '1s',
    description: 'While a consumer has caught up, records gather for so long before it hands them on',
  }),
  lease: durationOption({
    default: '3s',
    min: '500ms',
    max: '1m',
    description: 'A consumer that is not heard of for so long loses its partitions to the others of its group',
  }),
  trimInterval: durationOption({
    default: '10s',
    min: '100ms',
    max: '1d',
    description: 'How often the log is trimmed',
  }),
});
