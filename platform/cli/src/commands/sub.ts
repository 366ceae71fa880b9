import { once } from 'node:events';
import {
  booleanOption,
  defineOptions,
  durationOption,
  integerOption,
  openSubscriber,
  stringOption,
} from '@millrace/core';
import type { Message, Subscriber } from '@millrace/core';
import { EXIT, defineCommand } from '../command.ts';
import { connectorOption, parseConnectorOptions } from '../messages/connector-options.ts';

export const subCommand = defineCommand({
  name: 'sub',
  summary: 'Print messages from a URL, one JSON value per line',
  options: defineOptions('sub', {
    count: integerOption({ flag: 'count', optional: true, min: 1, description: 'End after so many messages' }),
    timeout: durationOption({
      flag: 'timeout',
      optional: true,
      description: 'End when nothing has come for so long; with --count that is a failure',
    }),
    from: stringOption({
      flag: 'from',
      optional: true,
      minLength: 1,
      description: 'Where to begin, as the page of the connector says: start, end, earliest, latest ...',
    }),
    keys: booleanOption({ flag: 'keys', default: false, description: 'Print objects with key and value' }),
    headers: booleanOption({ flag: 'headers', default: false, description: 'As --keys, with the headers' }),
    option: connectorOption,
  }),
  args: [{ name: 'url', required: true, description: 'where from: kafka://, redischannel://, file: ...' }],
  repeatable: ['option'],
  examples: [
    'millrace sub kafka://localhost:9092/orders --count 10',
    'millrace sub redisstream://localhost/orders --from earliest --timeout 5s --keys',
    'millrace sub file:orders.jsonl --option follow=true | head -3',
  ],
  async run(input) {
    const { options, terminal, interrupted, args } = input;
    const { count = Infinity, timeout: timeoutMs, from } = options;
    const subscriber = await openSubscriber(args[0] ?? '', {
      ...(from === undefined ? {} : { from }),
      ...parseConnectorOptions(options.option),
      logger: input.logger('warn'),
    });
    let printed = 0;
    try {
      while (printed < count) {
        const message = await nextOf(subscriber, timeoutMs, interrupted);
        if (message === undefined) break;
        const room = terminal.stdout.write(`${JSON.stringify(shown(message, options))}\n`);
        if (!room) await once(terminal.stdout, 'drain');
        // Printed is done with: the last one must not come again.
        subscriber.acknowledge(message);
        printed++;
      }
    } finally {
      await subscriber.close();
    }
    if (interrupted.aborted) return EXIT.interrupted;
    return printed < count && count !== Infinity ? EXIT.failure : EXIT.ok;
  },
});

/** Undefined at the end, which an interruption is. */
async function nextOf(
  subscriber: Subscriber,
  timeoutMs: number | undefined,
  signal: AbortSignal,
): Promise<Message | undefined> {
  try {
    return await subscriber.next({ signal, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}

function shown(
  { key, value, headers }: Message,
  options: { readonly keys: boolean; readonly headers: boolean },
): unknown {
  if (options.headers) return { key, value, headers };
  return options.keys ? { key, value } : value;
}
