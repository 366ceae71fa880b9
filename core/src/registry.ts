import { MillraceError } from './errors.ts';
import type { Channel, EventLog, LogReader } from './event-log.ts';
import type { KeyValueStore } from './key-value-store.ts';
import type { Publisher } from './publisher.ts';
import type { StateReader, StateSchema, StateWriter } from './state-store.ts';
import type { Subscriber } from './subscriber.ts';

/**
 * Which package serves a URL scheme. A connector is loaded when its scheme is first opened, so an unused backend costs
 * nothing at start. Adding a backend is one line here.
 */
const PACKAGES: Readonly<Record<string, string>> = {
  embedded: '@millrace/embedded',
  memory: '@millrace/memory',
};

export interface EventLogOptions {
  readonly partitions?: number;
  /** Remove released segments older than this, milliseconds. Default 24 h. */
  readonly retentionMs?: number;
  /** Above this size the oldest segments go, released or not; loudly. Default 20 GB. */
  readonly maxBytes?: number;
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
}

export const openEventLog = (url: string, options: EventLogOptions = {}): Promise<EventLog> =>
  open(url, 'openEventLog', (opener) => opener(url, options));

export const openLogReader = (url: string, options: LogReaderOptions = {}): Promise<LogReader> =>
  open(url, 'openLogReader', (opener) => opener(url, options));

export const openStateWriter = (url: string, options: StateOptions): Promise<StateWriter> =>
  open(url, 'openStateWriter', (opener) => opener(url, options));

export const openStateReader = (url: string, options: StateOptions): Promise<StateReader> =>
  open(url, 'openStateReader', (opener) => opener(url, options));

export const openKeyValueStore = (url: string): Promise<KeyValueStore> =>
  open(url, 'openKeyValueStore', (opener) => opener(url));

export const openPublisher = (url: string): Promise<Publisher> => open(url, 'openPublisher', (opener) => opener(url));

export const openSubscriber = (url: string): Promise<Subscriber> =>
  open(url, 'openSubscriber', (opener) => opener(url));

async function open<K extends keyof Connector, T>(
  url: string,
  contract: K,
  call: (opener: NonNullable<Connector[K]>) => Promise<T>,
): Promise<T> {
  const scheme = schemeOf(url);
  const connector = await load(scheme, url);
  const opener = connector[contract];
  if (opener === undefined) {
    throw new MillraceError(
      'NOT_SUPPORTED',
      `${scheme}: has no ${contract.slice('open'.length)}; see docs/connectors.md`,
      {
        field: 'url',
        value: url,
      },
    );
  }
  return call(opener);
}

function schemeOf(url: string): string {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1];
  if (scheme !== undefined) return scheme.toLowerCase();
  throw new MillraceError('UNKNOWN_SCHEME', `"${url}" has no scheme: write one of ${known()}`, {
    field: 'url',
    value: url,
  });
}

async function load(scheme: string, url: string): Promise<Connector> {
  const name = PACKAGES[scheme];
  if (name === undefined) {
    throw new MillraceError('UNKNOWN_SCHEME', `no connector for "${scheme}:" is known; there are ${known()}`, {
      field: 'url',
      value: url,
    });
  }
  try {
    const module = (await import(name)) as { connector: Connector };
    return module.connector;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new MillraceError('CONNECTOR_NOT_INSTALLED', `"${scheme}:" needs the package ${name}: npm install ${name}`, {
      field: 'url',
      value: url,
      cause: error,
    });
  }
}

const known = (): string =>
  Object.keys(PACKAGES)
    .map((scheme) => `${scheme}:`)
    .join(', ');
