import {
  choiceOption,
  defineOptions,
  defineSink,
  integerOption,
  jsonText,
  MillraceError,
  partitionOfBytes,
  stringOption,
  type JsonValue,
  type Refusal,
  type Sink,
} from '@millrace/core';

import { clientOptions } from './client-options.ts';
import { connectionOptions, producerOptions, topicOptions } from './options.ts';
import { PendingRecord, type WriteCall } from './produce/partition-queue.ts';
import { TopicWriter } from './produce/topic-writer.ts';
import { openTopic, planOf, type Topic } from './topic.ts';
import { topicAddress } from './url.ts';

const { linger: _, ...senderOptions } = producerOptions;

export const publisherOptions = defineOptions('kafka', {
  ...connectionOptions,
  ...senderOptions,
  acks: choiceOption({
    choices: ['all', '1', '0'],
    default: 'all',
    description: 'Who must have a message before it counts as sent: all replicas in sync, the leader, or nobody',
  }),
  partitionKey: stringOption({
    optional: true,
    minLength: 1,
    description: 'Field of the value that becomes the key of a message without one; equal keys keep their order',
  }),
  ...topicOptions,
  partitions: integerOption({
    optional: true,
    min: 1,
    description: 'Partitions of a topic that is created; default: what the broker says',
  }),
});

export const publisher = defineSink({
  options: publisherOptions,
  prepare({ text, values }) {
    const address = topicAddress(text, values);
    return {
      encode: ({ key, value, headers }) => {
        const keyText = key ?? (values.partitionKey === undefined ? undefined : keyIn(value, values.partitionKey));
        const keyBytes = keyText === undefined ? undefined : Buffer.from(keyText);
        return new PendingRecord(address.topic, keyBytes, Buffer.from(jsonText(value)), headers && toBuffers(headers));
      },
      async connect(signal) {
        const client = await clientOptions(address);
        const plan = values.createTopic ? planOf(values, { partitions: values.partitions }) : undefined;
        const topic = await openTopic(address, client, plan, { signal, patienceMs: 0 });
        const writer = new TopicWriter({ ...values, client, topic, display: address.display, linger: 0 });
        return new KafkaSink(topic, writer);
      },
    };
  },
});

const toBuffers = (headers: Readonly<Record<string, string>>): Record<string, Buffer> =>
  Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)]));

function keyIn(value: JsonValue, field: string): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const found = (value as { readonly [name: string]: JsonValue })[field];
  if (found === undefined || found === null) return undefined;
  return typeof found === 'string' ? found : JSON.stringify(found);
}

class KafkaSink implements Sink<PendingRecord> {
  readonly #topic: Topic;
  readonly #writer: TopicWriter;
  /** For messages without a key: one partition for all of a batch makes larger requests. */
  #sticky = 0;

  constructor(topic: Topic, writer: TopicWriter) {
    this.#topic = topic;
    this.#writer = writer;
  }

  async send(messages: readonly PendingRecord[], taken: (count: number) => void): Promise<readonly Refusal[]> {
    const { partitions } = this.#topic;
    this.#sticky = (this.#sticky + 1) % partitions;
    const call = new SendCall(messages.length, taken);
    const since = performance.now();
    let bytes = 0;
    for (const message of messages) bytes += message.bytes;
    this.#writer.reserve(bytes);
    for (let index = 0; index < messages.length; index++) {
      const message = messages[index]!;
      message.partition = message.key === undefined ? this.#sticky : partitionOfBytes(message.key, partitions);
      message.since = since;
      message.call = call;
      message.index = index;
      this.#writer.write(message);
    }
    return call.settled;
  }

  close(): Promise<void> {
    return this.#writer.destroy();
  }
}

/** Collects what became of the messages of one `send`. */
class SendCall implements WriteCall {
  /** 1 for each message that is written. */
  readonly #done: Uint8Array;
  readonly #taken: (count: number) => void;
  readonly #refusals: Refusal[] = [];
  readonly #result = Promise.withResolvers<readonly Refusal[]>();
  #failure: MillraceError | undefined;
  #open: number;
  #prefix = 0;

  constructor(messages: number, taken: (count: number) => void) {
    this.#done = new Uint8Array(messages);
    this.#taken = taken;
    this.#open = messages;
  }

  get settled(): Promise<readonly Refusal[]> {
    return this.#result.promise;
  }

  written(index: number): void {
    this.#done[index] = 1;
    this.#settle();
  }

  failed(index: number, error: MillraceError, inDoubt: boolean): void {
    if (!inDoubt && !error.retry) this.#refusals.push({ index, error });
    else this.#failure ??= inDoubt ? maybeWritten(error) : error;
    this.#settle();
  }

  #settle(): void {
    this.#open--;
    if (this.#open > 0) return;
    if (this.#failure === undefined) {
      this.#result.resolve(this.#refusals);
      return;
    }
    // What is written in front of the first failure need not be sent, and doubled, again.
    while (this.#done[this.#prefix] === 1) this.#prefix++;
    this.#taken(this.#prefix);
    this.#result.reject(this.#failure);
  }
}

/** At least once: what is in doubt is sent again. */
const maybeWritten = (cause: MillraceError): MillraceError =>
  new MillraceError('UNAVAILABLE', cause.message, { ...cause.details, cause });
