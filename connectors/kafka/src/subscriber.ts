import {
  choiceOption,
  defineOptions,
  defineSource,
  MillraceError,
  type OptionValues,
  stringOption,
  withoutPassword,
} from '@millrace/core';

import { clientOptions } from './client-options.ts';
import { parseStartPlace, type StartPlace } from './consume/start-place.ts';
import { connectionOptions, consumerOptions, topicOptions } from './options.ts';
import { GroupSource } from './subscribe/group-source.ts';
import { ReaderSource } from './subscribe/reader-source.ts';
import { openTopic } from './topic.ts';
import { topicAddress } from './url.ts';

export const subscriberOptions = defineOptions('kafka', {
  ...connectionOptions,
  group: stringOption({
    optional: true,
    minLength: 1,
    description:
      'Consumer group: its subscribers share the messages; default: the name of the subscriber (of one without a name, the topic) and `_group`. `group_id` is the same',
  }),
  from: stringOption({
    optional: true,
    minLength: 1,
    description:
      'Where to begin: `earliest`, `latest`, an offset, `-N` for the last N of each partition, or a UTC time. Without `group` it reads without a group; with one, this is for a group that Kafka does not know yet',
  }),
  autoOffsetReset: choiceOption({
    choices: ['earliest', 'latest'],
    optional: true,
    description: 'Where a group begins that Kafka does not know yet: as `from`, and the group stays; default: earliest',
  }),
  ...consumerOptions,
  createTopic: topicOptions.createTopic,
});

export const subscriber = defineSource({
  options: subscriberOptions,
  prepare({ text, values, name }) {
    const address = topicAddress(text, values);
    const from = startPlace(values);
    const isReader = values.from !== undefined && values.group === undefined;
    // A name that only repeats the URL would change with its password, options and brokers.
    const { group = `${name === withoutPassword(text) ? address.topic : name}_group` } = values;
    return {
      async connect(signal) {
        const client = await clientOptions(address);
        const plan = values.createTopic ? { settings: {} } : undefined;
        const topic = await openTopic(address, client, plan, { signal, patienceMs: 0 });
        const options = { ...values, client, topic, from, display: address.display };
        if (isReader) return ReaderSource.connect(options);
        return GroupSource.connect({ ...options, group }, signal);
      },
    };
  },
});

function startPlace({ from, autoOffsetReset }: OptionValues<typeof subscriberOptions>): StartPlace {
  if (from === undefined) return autoOffsetReset ?? 'earliest';
  if (autoOffsetReset === undefined) return parseStartPlace(from);
  throw new MillraceError('INVALID_OPTION', 'from and auto_offset_reset say the same: give only one of them', {
    field: 'from',
    value: from,
    accepted: 'no from beside auto_offset_reset',
  });
}
