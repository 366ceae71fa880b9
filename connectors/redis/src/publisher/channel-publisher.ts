import { defineOptions, defineSink, jsonText, type SinkConnector } from '@millrace/core';
import { AnyNode } from '../any-node.ts';
import { connectionOptions, redisAddress } from '../address.ts';
import { requireName } from '../path.ts';
import { connectSink, type EncodedCommand } from './redis-sink.ts';

/** `redischannel://host/CHANNEL`: the value as JSON to whoever is subscribed at that moment. */
export const channelPublisher: SinkConnector = defineSink({
  options: defineOptions('redischannel', connectionOptions),
  prepare: ({ url, text, display, values }) => {
    const channel = requireName(url, display, 'channel');
    const address = redisAddress(text, values);
    const node = new AnyNode(address);
    return {
      encode: ({ value }): EncodedCommand => {
        const body = jsonText(value);
        return { bytes: body.length, command: ['publish', channel, body] };
      },
      connect: (signal) => connectSink(address, signal, (options) => node.connect(options)),
    };
  },
});
