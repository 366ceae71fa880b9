import { once } from 'node:events';
import {
  booleanOption,
  defineOptions,
  durationOption,
  hasCode,
  integerOption,
  kebabOf,
  MillraceError,
  openSubscriber,
  stringOption,
} from '@millrace/core';
import type { Message, Subscriber, SubscriberConfig } from '@millrace/core';
import { EXIT, defineCommand } from '../command.ts';
import { connectorOption, parseConnectorOptions } from '../messages/connector-options.ts';
import { refuseMemory } from '../messages/refuse-memory.ts';
import { progressBar, type ProgressBar } from '../progress-bar.ts';
import { counted, grouped } from '../terminal.ts';
import type { Terminal } from '../terminal.ts';

export const subCommand = defineCommand({
  name: 'sub',
  summary: 'Print messages from a URL, one JSON value per line',
  options: defineOptions('sub', {
    count: integerOption({ flag: 'count', optional: true, min: 1, description: 'End after so many messages' }),
    timeout: durationOption({
      flag: 'timeout',
      optional: true,
      description:
        'End when nothing has come for so long; a failure with --count, and while the source cannot be reached',
    }),
    from: stringOption({
      flag: 'from',
      optional: true,
      minLength: 1,
      description:
        'Where to begin: earliest (the default), latest or a UTC time of a topic or a stream, an offset or -N of a topic, an ID of a stream; start or end of a file',
    }),
    keys: booleanOption({ flag: 'keys', default: false, description: 'Print objects with key and value' }),
    headers: booleanOption({ flag: 'headers', default: false, description: 'As --keys, with the headers' }),
    option: connectorOption,
  }),
  args: [{ name: 'url', required: true, description: 'where from: kafka://, redischannel://, file: ...' }],
  repeatable: ['option'],
  examples: [
    'millrace sub kafka://localhost:9092/orders --count 10',
    'millrace sub kafka://localhost:9092/orders --from 2026-03-22T12:15:00Z > orders.jsonl',
    'millrace sub kafka://localhost:9092/orders --option group=billing',
    'millrace sub redisstream://localhost/orders --from earliest --timeout 5s --keys',
    'millrace sub file:orders.jsonl --option follow=true | head -3',
  ],
  async run(input) {
    const { options, terminal, interrupted, args } = input;
    const { count = Infinity, timeout: timeoutMs } = options;
    refuseMemory('sub', args[0] ?? '');
    const subscriber = await open(args[0] ?? '', options.from, {
      ...parseConnectorOptions(options.option),
      logger: input.warnings,
    });
    const progress = new Progress(terminal);
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
        progress.show(printed, count);
      }
      if (!interrupted.aborted && printed < count) requireConnection(subscriber);
    } finally {
      await subscriber.close().finally(() => progress.done(printed));
    }
    if (interrupted.aborted) return EXIT.interrupted;
    if (printed >= count || count === Infinity) return EXIT.ok;
    terminal.note(`${grouped(printed)} of ${counted(count, 'message')} came; there were no more`);
    return EXIT.failure;
  },
});

/**
 * Whoever looks on in a shell takes nothing from others, and sees the same again: no group unless one is named. And
 * makes nothing: a topic whose name is misspelled would come to be.
 */
const DEFAULTS: Readonly<Record<string, SubscriberConfig>> = {
  kafka: { from: 'earliest', create_topic: false },
  redisstream: { from: 'earliest' },
};

/** Where nothing could come. @throws UNAVAILABLE */
function requireConnection(subscriber: Subscriber): void {
  const { connected, source, last_error: reason } = subscriber.details();
  if (connected) return;
  throw new MillraceError('UNAVAILABLE', `there is no connection: ${reason ?? source}`, {
    field: 'url',
    value: source,
  });
}

async function open(url: string, given: string | undefined, config: SubscriberConfig): Promise<Subscriber> {
  const scheme = url.slice(0, url.indexOf(':')).toLowerCase();
  const from = given === undefined ? {} : { from: given };
  try {
    const set = optionsSet(url, config);
    if (scheme === 'kafka' && set.has('auto-offset-reset')) checkStart(given, set);
    return await openSubscriber(url, { ...defaultsFor(scheme, set), ...config, ...from });
  } catch (cause) {
    if (given === undefined || !hasCode(cause, 'UNKNOWN_OPTION') || cause.details.field !== 'from') throw cause;
    throw new MillraceError('INVALID_OPTION', `--from: ${scheme}: gives what comes from now on, and nothing else`, {
      field: '--from',
      value: given,
      accepted: 'a URL of kafka:, redisstream: or file:',
      cause,
    });
  }
}

/** What the URL's query and `--option` set, in kebab-case. */
function optionsSet(url: string, config: SubscriberConfig): ReadonlySet<string> {
  const query = new URLSearchParams(url.split('?', 2)[1]);
  return new Set([...query.keys(), ...Object.keys(config)].map(kebabOf));
}

/** Without those that are set. */
function defaultsFor(scheme: string, set: ReadonlySet<string>): SubscriberConfig {
  const isSet = (name: string): boolean => set.has(kebabOf(name)) || (name === 'from' && set.has('auto-offset-reset'));
  return Object.fromEntries(Object.entries(DEFAULTS[scheme] ?? {}).filter(([name]) => !isSet(name)));
}

/** For `auto_offset_reset`: without a group there is none that could begin anew. @throws INVALID_OPTION */
function checkStart(from: string | undefined, set: ReadonlySet<string>): void {
  const details = { field: 'auto_offset_reset', accepted: '--from alone, or auto_offset_reset with a group' };
  if (from !== undefined) {
    const message = '--from and auto_offset_reset both say where to begin: leave one of them out';
    throw new MillraceError('INVALID_OPTION', message, details);
  }
  if (set.has('from') || ['group', 'group-id', 'consumer-group'].some((name) => set.has(name))) return;
  const message =
    'auto_offset_reset is for a consumer group, and sub reads without one: say --from instead, or add --option group=NAME';
  throw new MillraceError('INVALID_OPTION', message, details);
}

/** On a screen that does not show the messages themselves: how many, and how fast. */
class Progress {
  readonly #terminal: Terminal;
  readonly #bar: ProgressBar | undefined;
  readonly #startedAt = performance.now();

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    if (terminal.stderr.isTTY === true && terminal.stdout.isTTY !== true) this.#bar = progressBar(terminal);
  }

  show(printed: number, count: number): void {
    this.#bar?.show(count === Infinity ? undefined : printed / count, this.#text(printed));
  }

  done(printed: number): void {
    if (this.#bar === undefined) return;
    this.#bar.done();
    this.#terminal.note(this.#text(printed));
  }

  #text(printed: number): string {
    const seconds = (performance.now() - this.#startedAt) / 1000;
    return `${counted(printed, 'message')}, ${grouped(Math.round(printed / seconds))}/s`;
  }
}

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
