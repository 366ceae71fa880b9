import { nearestSpelling } from './config/index.ts';
import { MillraceError } from './errors.ts';
import type { Channel, EventLog, LogReader } from './event-log.ts';
import type { KeyValueStore } from './key-value-store.ts';
import type { Logger } from './logging.ts';
import type { WalStores } from './messaging/wal-publisher.ts';
import { FanInSubscriber } from './messaging/combinators/fan-in.ts';
import { publisherOf, subscriberOf, withoutPassword } from './messaging/create.ts';
import type { PublisherConfig, SubscriberConfig } from './messaging/create.ts';
import { loadDelegate } from './messaging/custom.ts';
import { FOREIGN_SCHEMES } from './messaging/schemes.ts';
import type { SinkConnector } from './messaging/sink.ts';
import type { SourceConnector } from './messaging/source.ts';
import type { Publisher } from './publisher.ts';
import type { StateReader, StateSchema, StateWriter } from './state-store.ts';
import type { Subscriber } from './subscriber.ts';

/**
 * Which package serves a URL scheme. A connector is loaded when its scheme is first opened, so an unused backend costs
 * nothing at start. Adding a backend is one line here.
 */
const PACKAGES: Readonly<Record<string, string>> = {
  aerospike: '@millrace/aerospike',
  embedded: '@millrace/embedded',
  file: '@millrace/file',
  http: '@millrace/rest',
  https: '@millrace/rest',
  inmemory: '@millrace/memory',
  kafka: '@millrace/kafka',
  mem: '@millrace/memory',
  memory: '@millrace/memory',
  redis: '@millrace/redis',
  redischannel: '@millrace/redis',
  rediss: '@millrace/redis',
  redisstream: '@millrace/redis',
  rest: '@millrace/rest',
};

export interface EventLogOptions {
  readonly partitions?: number;
  /** Remove released segments older than this, milliseconds. Default 24 h. */
  readonly retentionMs?: number;
  /** Above this size the oldest segments go, released or not; loudly. Default 20 GB. */
  readonly maxBytes?: number;
  /** Is told what an operator should know. Default: nobody is. */
  readonly logger?: Logger;
}

export interface LogReaderOptions {
  readonly channel?: Channel;
}

export interface StateOptions {
  readonly schema: StateSchema;
  readonly partitions: number;
  /** How many entries per key and kind a timeline shows. Default 230. */
  readonly keep?: number;
  /** Rollups older than this by event time go. Milliseconds, default 24 h. */
  readonly retentionMs?: number;
  /** Is told what an operator should know. Default: nobody is. */
  readonly logger?: Logger;
}

/** What a connector package exports as `connector`: one opener per contract that it implements. */
export interface Connector {
  openEventLog?(url: string, options: EventLogOptions): Promise<EventLog>;
  openLogReader?(url: string, options: LogReaderOptions): Promise<LogReader>;
  openStateWriter?(url: string, options: StateOptions): Promise<StateWriter>;
  openStateReader?(url: string, options: StateOptions): Promise<StateReader>;
  openKeyValueStore?(url: string): Promise<KeyValueStore>;
  /** By URL scheme: a package may serve several that differ. */
  readonly sinks?: Readonly<Record<string, SinkConnector>>;
  readonly sources?: Readonly<Record<string, SourceConnector>>;
}

/** Opens backends by URL. */
export interface ConnectorRegistry {
  readonly openEventLog: (url: string, options?: EventLogOptions) => Promise<EventLog>;
  readonly openLogReader: (url: string, options?: LogReaderOptions) => Promise<LogReader>;
  readonly openStateWriter: (url: string, options: StateOptions) => Promise<StateWriter>;
  readonly openStateReader: (url: string, options: StateOptions) => Promise<StateReader>;
  readonly openKeyValueStore: (url: string) => Promise<KeyValueStore>;
  /** A publisher that is not started yet. Its configuration has been checked; nothing has been connected. */
  readonly createPublisher: (name: string, config: PublisherConfig) => Promise<Publisher>;
  readonly createSubscriber: (name: string, config: SubscriberConfig) => Promise<Subscriber>;
  /** A started publisher; its name is its URL unless the configuration has a `name`. */
  readonly openPublisher: (url: string, config?: PublisherConfig) => Promise<Publisher>;
  readonly openSubscriber: (url: string, config?: SubscriberConfig) => Promise<Subscriber>;
}

/**
 * A registry over these packages, by URL scheme. Millrace's own connectors need none: import `openEventLog` and its
 * siblings.
 *
 * @example
 * const { openPublisher } = createRegistry({ mqtt: '@example/millrace-mqtt' }, (name) => import(name));
 *
 * @throws every opener: UNKNOWN_SCHEME, CONNECTOR_NOT_INSTALLED, NOT_SUPPORTED (the connector lacks this contract)
 */
export function createRegistry(
  packages: Readonly<Record<string, string>>,
  load: (packageName: string) => Promise<{ readonly connector: Connector }>,
): ConnectorRegistry {
  const known = Object.keys(packages)
    .map((scheme) => `${scheme}:`)
    .join(', ');

  async function connectorFor(url: string): Promise<{ readonly scheme: string; readonly connector: Connector }> {
    requireText(url);
    const shown = withoutPassword(url);
    const scheme = schemeOf(url);
    if (scheme === undefined) throw unknownScheme(shown, `"${shown}" has no scheme: write one of ${known}`);
    const name = Object.hasOwn(packages, scheme) ? packages[scheme] : undefined;
    if (name === undefined) {
      if (FOREIGN_SCHEMES.includes(scheme)) throw notInstalled(shown, scheme);
      if (FAN_IN_SCHEMES.includes(scheme)) {
        throw unknownScheme(shown, `"${scheme}:" is for subscribers, and names their URLs: ${scheme}:URL,URL`);
      }
      const nearest = nearestSpelling(scheme, [...Object.keys(packages), 'custom', ...FAN_IN_SCHEMES]);
      const hint = nearest === undefined ? `there are ${known}` : `did you mean ${nearest}:?`;
      throw unknownScheme(shown, `no connector for "${scheme}:" is known; ${hint}`);
    }
    try {
      return { scheme, connector: (await load(name)).connector };
    } catch (error) {
      if (!isMissing(name, error)) throw error;
      const message = `"${scheme}:" needs the package ${name}: npm install ${name}`;
      throw new MillraceError('CONNECTOR_NOT_INSTALLED', message, { field: 'url', value: shown, cause: error });
    }
  }

  async function openerOf<K extends Exclude<keyof Connector, 'sinks' | 'sources'>>(
    contract: K,
    url: string,
  ): Promise<NonNullable<Connector[K]>> {
    const { scheme, connector } = await connectorFor(url);
    // Bound, because a connector may be an object whose openers share something.
    const opener = connector[contract]?.bind(connector) as Connector[K];
    if (opener !== undefined) return opener;
    throw notSupported(url, scheme, contract.slice('open'.length), connector);
  }

  async function sinkOf(url: string, delegate: unknown): Promise<SinkConnector> {
    if (schemeOf(url) === 'custom') {
      const { sink } = await loadDelegate(url, delegate);
      if (sink === undefined) throw notSupported(url, 'custom', 'Publisher', {});
      return sink;
    }
    const { scheme, connector } = await connectorFor(url);
    const sink = connector.sinks?.[scheme];
    if (sink === undefined) throw notSupported(url, scheme, 'Publisher', connector);
    return sink;
  }

  async function sourceOf(url: string, delegate: unknown): Promise<SourceConnector> {
    if (schemeOf(url) === 'custom') {
      const { source } = await loadDelegate(url, delegate);
      if (source === undefined) throw notSupported(url, 'custom', 'Subscriber', {});
      return source;
    }
    const { scheme, connector } = await connectorFor(url);
    const source = connector.sources?.[scheme];
    if (source === undefined) throw notSupported(url, scheme, 'Subscriber', connector);
    return source;
  }

  async function createPublisher(name: string, given: PublisherConfig): Promise<Publisher> {
    const { delegate_module: snake, delegateModule: delegate = snake, ...config } = given;
    const { destination } = config;
    if (destination === undefined) throw missing(`publisher "${name}"`, 'destination');
    requireText(destination);
    return publisherOf(await sinkOf(destination, delegate), name, destination, config, openWal);
  }

  async function openWal(url: string, logger: Logger | undefined): Promise<WalStores> {
    const openLog = await openerOf('openEventLog', url);
    const openPositions = await openerOf('openKeyValueStore', url);
    // Only what has been delivered may go: the publisher itself keeps the bound.
    const options = { partitions: 1, retentionMs: 0, maxBytes: Number.MAX_SAFE_INTEGER };
    const log = await openLog(url, { ...options, ...(logger === undefined ? {} : { logger }) });
    try {
      return { log, positions: await openPositions(url) };
    } catch (error) {
      await log.close();
      throw error;
    }
  }

  async function createSubscriber(name: string, given: SubscriberConfig): Promise<Subscriber> {
    const { delegate_module: snake, delegateModule: delegate = snake, ...config } = given;
    const { source } = config;
    if (source === undefined) throw missing(`subscriber "${name}"`, 'source');
    requireText(source);
    const parts = partsOfFanIn(source);
    if (parts !== undefined) {
      const { logger } = config;
      const children = parts.map((part) =>
        createSubscriber(withoutPassword(part), { source: part, ack: 'manual', logger }),
      );
      return new FanInSubscriber(name, await Promise.all(children), config);
    }
    return subscriberOf(await sourceOf(source, delegate), name, source, config);
  }

  return {
    openEventLog: async (url, options = {}) => (await openerOf('openEventLog', url))(url, options),
    openLogReader: async (url, options = {}) => (await openerOf('openLogReader', url))(url, options),
    openStateWriter: async (url, options) => (await openerOf('openStateWriter', url))(url, options),
    openStateReader: async (url, options) => (await openerOf('openStateReader', url))(url, options),
    openKeyValueStore: async (url) => (await openerOf('openKeyValueStore', url))(url),
    createPublisher,
    createSubscriber,
    openPublisher: async (url, { name, ...config } = {}) => {
      requireText(url);
      return started(await createPublisher(nameFor(url, name), { ...config, destination: url }));
    },
    openSubscriber: async (url, { name, ...config } = {}) => {
      requireText(url);
      return started(await createSubscriber(nameFor(url, name), { ...config, source: url }));
    },
  };
}

export const {
  openEventLog,
  openLogReader,
  openStateWriter,
  openStateReader,
  openKeyValueStore,
  createPublisher,
  createSubscriber,
  openPublisher,
  openSubscriber,
} = createRegistry(PACKAGES, (name) => import(name) as Promise<{ readonly connector: Connector }>);

const schemeOf = (url: string): string | undefined => /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase();

const FAN_IN_SCHEMES: readonly string[] = ['fanin', 'composite'];

/** URLs with commas between, of which several hosts of one URL may have some too; undefined for every other URL. */
function partsOfFanIn(url: string): string[] | undefined {
  const scheme = schemeOf(url);
  if (scheme === undefined || !FAN_IN_SCHEMES.includes(scheme)) return undefined;
  const list = url.slice(`${scheme}:`.length).replace(/^\/\//, '');
  return list === '' ? undefined : list.split(/,(?=[a-z][a-z0-9+.-]*:\/\/|file:|custom:)/i);
}

/** Nobody else could close it when its start fails half-way: a write-ahead buffer would stay locked. */
async function started<T extends Publisher | Subscriber>(opened: T): Promise<T> {
  try {
    await opened.start();
  } catch (error) {
    await Promise.allSettled([opened.close()]);
    throw error;
  }
  return opened;
}

function nameFor(url: string, name: unknown): string {
  if (typeof name === 'string') return name;
  const parts = partsOfFanIn(url);
  return parts === undefined ? withoutPassword(url) : `fanin:${parts.map(withoutPassword).join(',')}`;
}

/** What a connector offers, in the words of the contracts. */
function offeredBy({ sinks, sources, ...openers }: Connector): string {
  const offered = Object.keys(openers).map((name) => name.slice('open'.length));
  if (sinks !== undefined) offered.push('Publisher');
  if (sources !== undefined) offered.push('Subscriber');
  return offered.join(', ');
}

function notSupported(url: string, scheme: string, contract: string, connector: Connector): MillraceError {
  const offered = offeredBy(connector);
  const hint = offered === '' ? '' : `; it has ${offered}`;
  const details = { field: 'url', value: withoutPassword(url) };
  return new MillraceError('NOT_SUPPORTED', `"${scheme}:" has no ${contract}${hint}`, details);
}

function notInstalled(url: string, scheme: string): MillraceError {
  const message =
    `no connector for "${scheme}:" is installed: give createRegistry a package that exports one, ` +
    `or write it in a module and use custom:./module.ts (docs/messaging.md shows both)`;
  return new MillraceError('CONNECTOR_NOT_INSTALLED', message, { field: 'url', value: url });
}

/** An unset variable, most likely: programs without types come this far. */
function requireText(url: unknown): void {
  if (typeof url === 'string') return;
  const accepted = 'a text such as memory://queue/orders';
  const message = `the URL is of type ${url === null ? 'null' : typeof url}: give ${accepted}`;
  throw new MillraceError('INVALID_ARGUMENT', message, { field: 'url', accepted });
}

function missing(who: string, field: string): MillraceError {
  const message = `${who} has no ${field}: set ${field} to a URL such as memory://queue/orders`;
  return new MillraceError('INVALID_OPTION', message, { field, accepted: 'a URL' });
}

/** Whether this package itself is absent, and not something that it imports. */
function isMissing(packageName: string, error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, message } = error as NodeJS.ErrnoException;
  return code === 'ERR_MODULE_NOT_FOUND' && message.includes(`'${packageName}'`);
}

function unknownScheme(url: string, message: string): MillraceError {
  return new MillraceError('UNKNOWN_SCHEME', message, { field: 'url', value: url });
}
