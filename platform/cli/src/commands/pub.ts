import { setTimeout as sleep } from 'node:timers/promises';
import { booleanOption, defineOptions, integerOption, openPublisher, stringOption } from '@millrace/core';
import type { Message } from '@millrace/core';
import { EXIT, defineCommand } from '../command.ts';
import { connectorOption, parseConnectorOptions } from '../messages/connector-options.ts';
import { refuseMemory } from '../messages/refuse-memory.ts';
import { parseMessage, readMessages } from '../messages/read-messages.ts';
import { progressBar } from '../progress-bar.ts';
import { counted, grouped } from '../terminal.ts';

export const pubCommand = defineCommand({
  name: 'pub',
  summary: 'Publish messages to a URL: lines of JSON from standard input, or one message',
  options: defineOptions('pub', {
    message: stringOption({ flag: 'message', optional: true, description: 'This one instead of standard input, JSON' }),
    key: stringOption({ flag: 'key', optional: true, description: 'Key of messages that have none' }),
    keys: booleanOption({
      flag: 'keys',
      default: false,
      description: 'Lines are objects with value, key and headers, as `sub --keys` prints them',
    }),
    text: booleanOption({ flag: 'text', default: false, description: 'Lines are texts, and no JSON' }),
    count: integerOption({
      flag: 'count',
      optional: true,
      min: 1,
      description: 'At most so many lines; with --message, publish it so often',
    }),
    rate: integerOption({
      flag: 'rate',
      default: 0,
      min: 0,
      max: 10_000_000,
      description: 'Messages per second; 0 is as fast as possible',
    }),
    option: connectorOption,
  }),
  args: [{ name: 'url', required: true, description: 'where to: kafka://, redis://, file:, http:// ...' }],
  repeatable: ['option'],
  examples: [
    `millrace pub redischannel://localhost/orders --message '{"total":12}'`,
    'millrace pub kafka://localhost:9092/orders --key order-1 < orders.jsonl',
    'millrace sub file:orders.jsonl | millrace pub https://example.com/hook --option secret=s3cret --rate 10',
  ],
  async run(input) {
    const { options, terminal, interrupted, args } = input;
    refuseMemory('pub', args[0] ?? '');
    const given = options.message === undefined ? undefined : parseMessage(options.message, options, '--message');
    const publisher = await openPublisher(args[0] ?? '', {
      ...parseConnectorOptions(options.option),
      logger: input.warnings,
    });
    const bar = progressBar(terminal);
    const started = performance.now();
    try {
      const count = options.count ?? (given === undefined ? Infinity : 1);
      const messages = given === undefined ? readMessages(terminal.stdin, options, interrupted) : repeated(given);
      let sent = 0;
      for await (const message of messages) {
        if (options.rate > 0) await sleepUntil(started + (sent / options.rate) * 1000);
        if (interrupted.aborted) break;
        await publisher.enqueue(message, { signal: interrupted });
        sent++;
        bar.show(count === Infinity ? undefined : sent / count, `${grouped(sent)} messages`);
        if (sent >= count) break;
      }
    } catch (error) {
      if (!interrupted.aborted) throw error;
    } finally {
      await publisher.close().finally(() => bar.done());
    }
    const { publish_count: published, refused, dropped, last_error: reason } = publisher.details();
    const perSecond = grouped(Math.round(published / ((performance.now() - started) / 1000)));
    terminal.note(`${counted(published, 'message')} published, ${perSecond}/s`);
    const failed = refused + dropped;
    if (failed > 0) terminal.note(`${counted(failed, 'message')} not taken: ${reason}`);
    return interrupted.aborted ? EXIT.interrupted : failed > 0 ? EXIT.failure : EXIT.ok;
  },
});

/** Not at all where that is over: a busy machine may be late. */
async function sleepUntil(moment: number): Promise<void> {
  const ms = moment - performance.now();
  if (ms > 0) await sleep(ms);
}

function* repeated(message: Message): Generator<Message> {
  for (;;) yield message;
}
