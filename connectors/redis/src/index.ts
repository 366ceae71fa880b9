import type { Connector } from '@millrace/core';
import { openRedisKeyValueStore } from './key-value-store.ts';
import { openRedisEventLog, openRedisLogReader } from './event-log/event-log.ts';
import { channelPublisher } from './publisher/channel-publisher.ts';
import { keyPublisher } from './publisher/key-publisher.ts';
import { streamPublisher } from './publisher/stream-publisher.ts';
import { openRedisStateReader, openRedisStateWriter } from './state-store.ts';
import { channelSubscriber } from './subscriber/channel-subscriber.ts';
import { keySubscriber } from './subscriber/key-subscriber.ts';
import { streamSubscriber } from './subscriber/stream-subscriber.ts';

export const connector: Connector = {
  openEventLog: openRedisEventLog,
  openLogReader: openRedisLogReader,
  openStateWriter: openRedisStateWriter,
  openStateReader: openRedisStateReader,
  openKeyValueStore: openRedisKeyValueStore,
  sinks: {
    redis: keyPublisher,
    rediss: keyPublisher,
    redischannel: channelPublisher,
    redisstream: streamPublisher,
  },
  sources: {
    redis: keySubscriber,
    rediss: keySubscriber,
    redischannel: channelSubscriber,
    redisstream: streamSubscriber,
  },
};
