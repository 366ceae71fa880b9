import { DEFAULT_PARTITIONS, defineOptions, MillraceError, type Connector, type EventLogOptions } from '@millrace/core';

import { clientOptions } from './client-options.ts';
import { tolerateLateErrors } from './connection-errors.ts';
import { KafkaEventLog } from './event-log.ts';
import { KafkaLogReader } from './log-reader.ts';
import { connectionOptions, consumerOptions, producerOptions, topicOptions, type TopicValues } from './options.ts';
import { openTopic, planOf, type TopicPlan } from './topic.ts';
import { publisher } from './publisher.ts';
import { subscriber } from './subscriber.ts';
import { parseKafkaUrl } from './url.ts';

/** What the URL of an event log may say. */
export const eventLogOptions = defineOptions('kafka', {
  ...connectionOptions,
  ...producerOptions,
  ...consumerOptions,
  ...topicOptions,
});

const DAY_MS = 24 * 3_600_000;
/** A record may have 1 MiB of value and a long key besides. */
const MAX_MESSAGE_BYTES = 2 * 1024 * 1024;

/** Opens topics; a topic is its own event log, and any process may open it. */
export function createConnector(): Connector {
  tolerateLateErrors();
  return {
    sinks: { kafka: publisher },
    sources: { kafka: subscriber },

    async openEventLog(url, options) {
      const { address, values } = parseKafkaUrl(url, eventLogOptions);
      const client = await clientOptions(address);
      const topic = await openTopic(address, client, values.createTopic ? logPlan(values, options) : undefined);
      const { partitions = topic.partitions } = options;
      if (partitions !== topic.partitions) throw partitionsMismatch(address.display, topic.partitions, partitions);
      return new KafkaEventLog({ ...values, client, topic, display: address.display });
    },

    async openLogReader(url) {
      const { address, values } = parseKafkaUrl(url, eventLogOptions);
      const client = await clientOptions(address);
      return new KafkaLogReader({
        ...values,
        client,
        topic: await openTopic(address, client),
        display: address.display,
      });
    },
  };
}

function logPlan(
  values: TopicValues,
  { partitions = DEFAULT_PARTITIONS, retentionMs, maxBytes }: EventLogOptions,
): TopicPlan {
  return planOf(values, {
    partitions,
    settings: {
      'cleanup.policy': 'delete',
      'max.message.bytes': String(MAX_MESSAGE_BYTES),
      'message.timestamp.type': 'CreateTime',
      'retention.ms': String(retentionMs ?? DAY_MS),
      // Kafka counts by partition.
      ...(maxBytes === undefined ? {} : { 'retention.bytes': String(Math.ceil(maxBytes / partitions)) }),
    },
  });
}

const partitionsMismatch = (display: string, has: number, wanted: number): MillraceError =>
  new MillraceError(
    'PARTITIONS_MISMATCH',
    `the topic at ${display} has ${has} partitions, not ${wanted}: the keys would be spread anew; use ${has}, or another topic`,
    { field: 'partitions', value: wanted, accepted: String(has) },
  );
