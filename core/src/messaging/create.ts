import { MillraceError } from '../errors.ts';
import type { Logger } from '../logging.ts';
import type { Publisher } from '../publisher.ts';
import { resolveConfig } from './config.ts';
import type { RawConfig } from './config.ts';
import { PUBLISHER_ALIASES, publisherOptions } from './publisher-options.ts';
import { SinkPublisher } from './sink-publisher.ts';
import type { PublisherHooks } from './sink-publisher.ts';
import type { SinkConnector } from './sink.ts';
import { SourceSubscriber } from './source-subscriber.ts';
import type { SubscriberHooks } from './source-subscriber.ts';
import type { SourceConnector } from './source.ts';
import { WalPublisher } from './wal-publisher.ts';
import type { WalStores } from './wal-publisher.ts';
import { SUBSCRIBER_ALIASES, subscriberOptions } from './subscriber-options.ts';

/**
 * Configuration of a publisher: the options of every publisher and those of its connector in one flat object, in
 * camelCase or in the documented snake_case, and what only a program can give.
 */
export type PublisherConfig = RawConfig & PublisherHooks & { readonly destination?: string };

/** As {@link PublisherConfig}, for a subscriber. */
export type SubscriberConfig = RawConfig & SubscriberHooks & { readonly source?: string };

/** Opens the write-ahead buffer at a URL. */
export type OpenWal = (url: string, logger: Logger | undefined) => Promise<WalStores>;

/** A publisher of this connector that is not started yet. @throws INVALID_OPTION, UNKNOWN_OPTION, INVALID_ARGUMENT */
export function publisherOf(
  sink: SinkConnector,
  name: string,
  text: string,
  config: PublisherConfig = {},
  openWal?: OpenWal,
): Publisher {
  const { destination: _, logger, onError, predicate, priorityExtractor, ...options } = config;
  const address = parseAddress(text);
  const [values, own] = resolveConfig([publisherOptions, sink.options], PUBLISHER_ALIASES, [
    { place: address.display, values: sink.ownsQuery === true ? {} : address.query },
    { place: `publisher "${name}"`, values: options },
  ]);
  const prepared = sink.prepare({ ...address, values: own, name });
  const hooks = { logger, onError, predicate, priorityExtractor };
  const made = { name, display: address.display, values, hooks };
  const { wal } = values;
  if (wal === undefined) return new SinkPublisher(prepared, made);
  if (openWal === undefined) {
    throw new MillraceError('NOT_SUPPORTED', `publisher "${name}": open it through a registry, which opens its wal`);
  }
  return new WalPublisher(prepared, () => openWal(wal, logger), made);
}

/** A subscriber of this connector that is not started yet. */
export function subscriberOf(
  source: SourceConnector,
  name: string,
  text: string,
  config: SubscriberConfig = {},
): SourceSubscriber {
  const { source: _, logger, notify, priorityExtractor, ...options } = config;
  const address = parseAddress(text);
  const [values, own] = resolveConfig([subscriberOptions, source.options], SUBSCRIBER_ALIASES, [
    { place: address.display, values: source.ownsQuery === true ? {} : address.query },
    { place: `subscriber "${name}"`, values: options },
  ]);
  const prepared = source.prepare({ ...address, values: own, name });
  const hooks = { logger, notify, priorityExtractor };
  return new SourceSubscriber(prepared, { name, display: address.display, values, hooks });
}

interface Address {
  readonly url: URL;
  readonly text: string;
  readonly display: string;
  readonly query: RawConfig;
}

function parseAddress(text: string): Address {
  const display = withoutPassword(text);
  const withOneHost = text.replace(FURTHER_HOSTS, '$1');
  if (!URL.canParse(withOneHost) || CUT_LOGIN.test(text)) {
    // A password with / or # in it may be what is wrong: where it ends is then anybody's guess.
    const shown = display.replace(/\/\/.*@/s, '//***@');
    if (!SPLIT_LOGIN.test(text)) checkPort(text, shown);
    const message = `"${shown}" is no URL: in a password, write %2F for /, %3F for ? and %23 for #`;
    throw new MillraceError('INVALID_ARGUMENT', message, { field: 'url', value: shown, accepted: 'a URL' });
  }
  const url = new URL(withOneHost);
  return { url, text, display, query: Object.fromEntries(url.searchParams) };
}

/** @throws INVALID_ARGUMENT for what stands behind a host and is no port: most likely a password without its `@host` */
function checkPort(text: string, shown: string): void {
  const [, start = '', host = '', port] = HOST_AND_PORT.exec(text) ?? [];
  if (port === undefined || (/^\d*$/.test(port) && Number(port) <= MAX_PORT)) return;
  const at = shown.indexOf(`${host}:${port}`) + host.length + 1;
  // A password may go on behind a comma.
  const value = `${shown.slice(0, at)}***${shown.slice(at).replace(/^[^/?#]*/, '')}`;
  const message = `"${value}": what stands behind ${start}${host}: is no port, which is a number up to ${MAX_PORT}`;
  throw new MillraceError('INVALID_ARGUMENT', message, { field: 'url', value, accepted: `${start}HOST[:PORT]` });
}

const HOST_AND_PORT = /^([a-z][a-z0-9+.-]*:\/\/)(?:[^/?#]*@)?(\[[^\]]*\]|[^/?#@:,]*):([^/?#@,]*)/i;
const MAX_PORT = 65_535;

/** Brokers and clusters are named by several hosts, of which a URL can hold the first only: `text` has them all. */
const FURTHER_HOSTS = /^([a-z][a-z0-9+.-]*:\/\/(?:[^/?#@]*@)?[^/?#@,]*),[^/?#@]*/i;
const PASSWORD_OF_URL = /^([a-z][a-z0-9+.-]*:\/\/[^/?#]*:)[^/?#]*@/i;
/** Host and port, it seems, and an @ behind them: most likely a password with a /, ? or # in it. */
const SPLIT_LOGIN = /^([a-z][a-z0-9+.-]*:\/\/)[^/?#@]*:[^/?#@]*[/?#].*@/is;
/** The same where it cannot be a path: a webhook's may have an @. */
const CUT_LOGIN = /^[a-z][a-z0-9+.-]*:\/\/[^/?#@]*:[^/?#@]*[?#].*@/is;
const SECRET_PARAMETER = /([?&][\w-]*(?:token|password|secret|headers)=)[^&#]*/gi;

/** Which options of a module are secret is not known before it is loaded: it may be any of them. */
const VALUE_FOR_MODULE = /(?<=^custom:.*[?&][^=&#]*=)[^&#]+/gis;

/** The URL for messages. */
export function withoutPassword(text: string): string {
  if (/^custom:/i.test(text)) return text.replaceAll(VALUE_FOR_MODULE, '***');
  return text.replace(PASSWORD_OF_URL, '$1***@').replace(SPLIT_LOGIN, '$1***@').replaceAll(SECRET_PARAMETER, '$1***');
}
