import { defineOptions, defineSink, integerOption, jsonText, secondsOption, type SinkConnector } from '@millrace/core';
import { connectionOptions, redisAddress } from '../address.ts';
import { requireName } from '../path.ts';
import { type Command, connectSink, type EncodedCommand } from './redis-sink.ts';

/** `redisstream://host/STREAM`: an entry with the fields `data` (JSON), `key` and `headers` (JSON), where there are any. */
export const streamPublisher: SinkConnector = defineSink({
  options: defineOptions('redisstream', {
    ...connectionOptions,
    maxlen: integerOption({
      optional: true,
      min: 1,
      description: 'Keep about so many entries, read or not; without it none is removed',
    }),
    maxAge: secondsOption({
      optional: true,
      min: 1,
      description: 'Keep entries for about so long, read or not; without it none is removed',
    }),
  }),
  prepare: ({ url, text, display, values }) => {
    const stream = requireName(url, display, 'stream');
    const address = redisAddress(text, values);
    const { maxlen, maxAge } = values;
    return {
      encode: ({ key, value, headers }): EncodedCommand => {
        const body = jsonText(value);
        const command: [string, ...(string | number)[]] = ['xadd', stream];
        if (maxlen !== undefined) command.push('MAXLEN', '~', maxlen);
        else if (maxAge !== undefined) command.push('MINID', '~', `${Date.now() - maxAge}-0`);
        command.push('*', 'data', body);
        if (key !== undefined) command.push('key', key);
        if (headers !== undefined) command.push('headers', JSON.stringify(headers));
        return { bytes: body.length + (key?.length ?? 0), command: command satisfies Command };
      },
      connect: (signal) => connectSink(address, signal),
    };
  },
});
