import type { JsonValue, Message, PublisherConfig, SubscriberConfig } from '@millrace/core';

/** What a step's function may return: at once, or later. */
export type Eventual<T> = T | Promise<T>;

/** Makes another value of a message's value. */
export type Mapper = (value: JsonValue, message: Message) => Eventual<JsonValue>;

/** Whether a message goes on. */
export type Filter = (value: JsonValue, message: Message) => Eventual<boolean>;

/** Names the sink of a message. */
export type Router = (value: JsonValue, message: Message) => Eventual<string | undefined>;

/** One thing that is done to every message on its way. */
export type Step =
  | { readonly map: Mapper }
  | { readonly filter: Filter }
  /** Fields of an object, old name to new name. */
  | { readonly rename: Readonly<Record<string, string>> }
  /** The field of an object that becomes the message's key; it stays in the value. */
  | { readonly key: string }
  /** Collects messages into one whose value is the list of theirs. */
  | { readonly batch: BatchStep }
  /** Makes one message of each element of a list: of the value, or of this field of an object. */
  | { readonly flatten: true | string };

export interface BatchStep {
  readonly size: number;
  /** An incomplete batch goes on after so long, milliseconds. Default 1 s. */
  readonly intervalMs?: number;
}

/** Where messages come from, or go: a URL with its options. */
export type SourceSpec = { readonly url: string } & SubscriberConfig;
export type SinkSpec = { readonly url: string } & PublisherConfig;

/**
 * Messages from one source, through steps, to sinks.
 *
 * @example
 * export const flow: Flow = {
 *   name: 'orders',
 *   source: { url: 'redisstream://localhost/orders' },
 *   steps: [{ filter: (value) => value !== null }, { batch: { size: 100 } }],
 *   sinks: { all: { url: 'file:orders.jsonl' } },
 * };
 */
export interface Flow {
  /** In messages, and of the default names of files. */
  readonly name: string;
  readonly source: SourceSpec;
  readonly steps?: readonly Step[];
  /** Every message goes to all of them; with a `router`, to the one that it names. */
  readonly sinks: Readonly<Record<string, SinkSpec>>;
  readonly router?: Router;
  /** JSON lines of messages that a step or a sink did not take. Default: `dead_letters_<name>.jsonl`, in the working directory. */
  readonly deadLetters?: string;
}
