import { defineOptions, defineSink, jsonText, type SinkConnector } from '@millrace/core';
import { AnyNode } from '../any-node.ts';
import { connectionOptions, redisAddress } from '../address.ts';
import { requireName } from '../path.ts';
import { Script } from '../script.ts';
import { connectSink, type EncodedCommand, FEW, type Together, type Word } from './redis-sink.ts';

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
      connect: (signal) => connectSink(address, publishTogether, signal, (options) => node.connect(options)),
    };
  },
});

const PUBLISH_ALL = new Script(`for i = 2, #ARGV do redis.call('PUBLISH', ARGV[1], ARGV[i]) end`);

const publishTogether: Together = (client, commands) => {
  if (commands.length < FEW) return undefined;
  const words: Word[] = [commands[0]![1]!];
  for (const [, , body] of commands) words.push(body!);
  return PUBLISH_ALL.run(client, [], words);
};
