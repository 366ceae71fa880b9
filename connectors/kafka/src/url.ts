import {
  MillraceError,
  queryValues,
  resolveOptions,
  type OptionDefinitions,
  type Options,
  type OptionValues,
  decodeUrlPart,
  withoutPassword,
} from '@millrace/core';

import type { ConnectionValues, connectionOptions } from './options.ts';

/** A topic and how to reach its brokers, without having asked them. */
export interface TopicAddress extends ConnectionValues {
  /** `host:port` */
  readonly brokers: readonly [string, ...string[]];
  readonly topic: string;
  /** The URL for messages: without user, password and query. */
  readonly display: string;
}

const ACCEPTED =
  'kafka://[user:password@]host[:port][,host[:port]...]/TOPIC[?options] or kafka://topic/TOPIC?bootstrap_servers=host:port';
const DEFAULT_PORT = 9092;
/** What Kafka takes as name of a topic; `.` and `..` are refused by it too. */
const TOPIC = /^(?!\.{1,2}$)[\w.-]{1,249}$/;

/**
 * Takes a URL apart whose query sets these options.
 *
 * @throws INVALID_OPTION, UNKNOWN_OPTION
 */
export function parseKafkaUrl<D extends OptionDefinitions & typeof connectionOptions>(
  url: string,
  options: Options<D>,
): { readonly address: TopicAddress; readonly values: OptionValues<Options<D>> } {
  const parts = split(url);
  const query = queryValues(options, parts.query);
  const { values } = resolveOptions(options, { file: { path: displayOf(parts), values: query } });
  // The definitions include the connection's, which the compiler cannot see through the mapped type.
  return { address: addressFrom(parts, values as ConnectionValues), values };
}

/**
 * The address of a URL whose options have been resolved elsewhere, as for sinks and sources.
 *
 * @throws INVALID_OPTION
 */
export function topicAddress(url: string | URL, values: ConnectionValues): TopicAddress {
  return addressFrom(split(String(url)), values);
}

interface UrlParts {
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly hosts: string;
  readonly topic: string;
  readonly query: Readonly<Record<string, string>>;
}

function addressFrom(parts: UrlParts, values: ConnectionValues): TopicAddress {
  const display = displayOf(parts);
  // `topic` is the documented placeholder, not a host, when the brokers stand elsewhere.
  const hosts =
    parts.hosts === 'topic' ? (values.bootstrapServers ?? 'localhost') : parts.hosts || values.bootstrapServers;
  if (hosts === undefined) {
    const accepted = `kafka://localhost:${DEFAULT_PORT}/${parts.topic} for a broker on this machine`;
    throw invalid(`${display} names no broker`, 'url', display, accepted);
  }
  const [first, ...more] = hosts.split(',').map((host) => brokerOf(host.trim()));
  if (first === undefined || !TOPIC.test(parts.topic)) throw noTopic(display);
  return {
    ...values,
    username: parts.username ?? values.username,
    password: parts.password ?? values.password,
    brokers: [first, ...more],
    topic: parts.topic,
    display,
  };
}

/** A URL may name several hosts with ports, which the parser of the platform refuses. */
function split(url: string): UrlParts {
  const match =
    /^kafka:\/\/(?:(?<user>[^:@/?]*)(?::(?<password>[^@/?]*))?@)?(?<hosts>[^/?@]*)\/(?<path>[^?]*)(?:\?(?<query>.*))?$/i.exec(
      url,
    );
  const groups = match?.groups;
  if (groups === undefined) throw noTopic(url.replace(/\/\/.*@/s, '//***@').replace(/\?.*/, ''));
  const { user = '', password, hosts = '', path = '', query = '' } = groups;
  return {
    username: user === '' ? undefined : decodeUrlPart(user),
    password: password === undefined ? undefined : decodeUrlPart(password),
    hosts: decodeUrlPart(hosts),
    topic: decodeUrlPart(path.replace(/^topic\//, '')),
    query: Object.fromEntries(new URLSearchParams(query)),
  };
}

function brokerOf(text: string): string {
  const match = /^(?<host>\[[0-9a-f:.]+\]|[^:[\]\s]+)(?::(?<port>\d{1,5}))?$/i.exec(text);
  const port = Number(match?.groups?.['port'] ?? DEFAULT_PORT);
  const host = match?.groups?.['host'];
  if (host === undefined || port > 65_535 || port === 0) {
    throw invalid('this is no broker of Kafka', 'url', text, 'host, host:port or [IPv6]:port');
  }
  return `${host}:${port}`;
}

const displayOf = ({ hosts, topic }: UrlParts): string => `kafka://${hosts}/${topic}`;

function noTopic(url: string): MillraceError {
  // A password that was not encoded may have come to stand in the host or the topic.
  const shown = withoutPassword(url);
  return invalid(`${shown} is no URL of a topic`, 'url', shown, ACCEPTED);
}

const invalid = (message: string, field: string, value: unknown, accepted: string): MillraceError =>
  new MillraceError('INVALID_OPTION', `${message}: give ${accepted}`, { field, value, accepted });
