import { MillraceError } from './errors.ts';
import type { Channel, EventLog, LogReader } from './event-log.ts';
import type { KeyValueStore } from './key-value-store.ts';
import type { Logger } from './logging.ts';
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
  kafka: '@millrace/kafka',
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
  openPublisher?(url: string): Promise<Publisher>;
  openSubscriber?(url: string): Promise<Subscriber>;
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
  readonly openPublisher: (url: string) => Promise<Publisher>;
  readonly openSubscriber: (url: string) => Promise<Subscriber>;
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

  async function connectorFor(scheme: string, url: string): Promise<Connector> {
    const name = Object.hasOwn(packages, scheme) ? packages[scheme] : undefined;
    if (name === undefined) throw unknownScheme(url, `no connector for "${scheme}:" is known; there are ${known}`);
    try {
      return (await load(name)).connector;
    } catch (error) {
      if (!isMissing(name, error)) throw error;
      const message = `"${scheme}:" needs the package ${name}: npm install ${name}`;
      throw new MillraceError('CONNECTOR_NOT_INSTALLED', message, { field: 'url', value: url, cause: error });
    }
  }

  async function openerOf<K extends Exclude<keyof Connector, 'sinks' | 'sources'>>(
    contract: K,
    url: string,
  ): Promise<NonNullable<Connector[K]>> {
    const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase();
    if (scheme === undefined) throw unknownScheme(url, `"${url}" has no scheme: write one of ${known}`);
    const connector = await connectorFor(scheme, url);
    // Bound, because a connector may be an object whose openers share something.
    const opener = connector[contract]?.bind(connector) as Connector[K];
    if (opener !== undefined) return opener;
    const offered = Object.keys(connector).map((name) => name.slice('open'.length));
    throw new MillraceError(
      'NOT_SUPPORTED',
      `"${scheme}:" has no ${contract.slice('open'.length)}; it has ${offered.join(', ')}`,
      { field: 'url', value: url },
    );
  }

  return {
    openEventLog: async (url, options = {}) => (await openerOf('openEventLog', url))(url, options),
    openLogReader: async (url, options = {}) => (await openerOf('openLogReader', url))(url, options),
    openStateWriter: async (url, options) => (await openerOf('openStateWriter', url))(url, options),
    openStateReader: async (url, options) => (await openerOf('openStateReader', url))(url, options),
    openKeyValueStore: async (url) => (await openerOf('openKeyValueStore', url))(url),
    openPublisher: async (url) => (await openerOf('openPublisher', url))(url),
    openSubscriber: async (url) => (await openerOf('openSubscriber', url))(url),
  };
}

export const {
  openEventLog,
  openLogReader,
  openStateWriter,
  openStateReader,
  openKeyValueStore,
  openPublisher,
  openSubscriber,
} = createRegistry(PACKAGES, (name) => import(name) as Promise<{ readonly connector: Connector }>);

/** Whether this package itself is absent, and not something that it imports. */
function isMissing(packageName: string, error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, message } = error as NodeJS.ErrnoException;
  return code === 'ERR_MODULE_NOT_FOUND' && message.includes(`'${packageName}'`);
}

function unknownScheme(url: string, message: string): MillraceError {
  return new MillraceError('UNKNOWN_SCHEME', message, { field: 'url', value: url });
}
