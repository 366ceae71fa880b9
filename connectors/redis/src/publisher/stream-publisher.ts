import { defineOptions, defineSink, integerOption, jsonText, secondsOption, type SinkConnector } from '@millrace/core';
import { connectionOptions, redisAddress } from '../address.ts';
import { requireName } from '../path.ts';
import { Script } from '../script.ts';
import { connectSink, type EncodedCommand, FEW, type Together, type Word } from './redis-sink.ts';

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
        const command: [string, ...Word[]] = ['xadd', stream];
        if (maxlen !== undefined) command.push('MAXLEN', '~', maxlen);
        else if (maxAge !== undefined) command.push('MINID', '~', `${Date.now() - maxAge}-0`);
        command.push('*', 'data', body);
        if (key !== undefined) command.push('key', key);
        if (headers !== undefined) command.push('headers', JSON.stringify(headers));
        return { bytes: body.length + (key?.length ?? 0), command };
      },
      connect: (signal) => connectSink(address, addTogether, signal),
    };
  },
});

/** The first entry as it is, and of the others only their values: words cost more than what is in them. */
const ADD_ALL = new Script(`
  local size, values = tonumber(ARGV[1]), tonumber(ARGV[2])
  local entry = { 'XADD', KEYS[1], unpack(ARGV, 3, size + 2) }
  redis.call(unpack(entry))
  local first = size + 4 - 2 * values
  for from = size + 3, #ARGV, values do
    for value = 0, values - 1 do entry[first + 2 * value] = ARGV[from + value] end
    redis.call(unpack(entry))
  end
`);

const addTogether: Together = (client, commands) => {
  if (commands.length < FEW) return undefined;
  const [first] = commands;
  const [, stream, ...template] = first!;
  const names = template.indexOf('*') + 3;
  const values = (first!.length - names) / 2;
  const words: Word[] = [template.length, values, ...template];
  for (let index = 1; index < commands.length; index++) {
    const command = commands[index]!;
    if (command.length !== first!.length) return undefined;
    for (let name = names; name < command.length; name += 2) {
      if (command[name] !== first![name]) return undefined;
      words.push(command[name + 1]!);
    }
  }
  return ADD_ALL.run(client, [String(stream)], words);
};
