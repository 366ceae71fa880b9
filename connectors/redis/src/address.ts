import {
  booleanOption,
  defineOptions,
  durationOption,
  integerOption,
  MillraceError,
  queryValues,
  type OptionDefinitions,
  type Options,
  type OptionValues,
  resolveOptions,
  stringOption,
  decodeUrlPart,
} from '@millrace/core';

/** What every Redis URL may say in its query, for the connection itself. */
export const connectionOptions = {
  db: integerOption({ default: 0, min: 0, max: 65_535, description: 'Database; also as path: redis://host/3' }),
  cluster: booleanOption({ default: false, description: 'The hosts are nodes of a Redis Cluster' }),
  sentinel: stringOption({
    optional: true,
    minLength: 1,
    description: 'The hosts are Sentinels; this is the name of the master that they watch',
  }),
  sentinelPassword: stringOption({ optional: true, secret: true, description: 'Password of the Sentinels themselves' }),
  username: stringOption({ optional: true, description: 'ACL user; also as user:password@ in the URL' }),
  password: stringOption({ optional: true, secret: true, description: 'Password; also as user:password@ in the URL' }),
  tls: booleanOption({ default: false, description: 'Encrypt the connection; rediss: does so too' }),
  tlsCa: stringOption({ optional: true, description: 'File with the certificates to trust, PEM; default: the system' }),
  tlsCert: stringOption({ optional: true, description: 'File with the certificate to show, PEM' }),
  tlsKey: stringOption({ optional: true, description: 'File with the key of that certificate, PEM' }),
  tlsVerify: booleanOption({ default: true, description: 'Whether the certificate of the server must be valid' }),
  connectTimeout: durationOption({
    default: '5s',
    min: '1ms',
    max: '1h',
    description: 'Longest wait for a connection',
  }),
  commandTimeout: durationOption({ default: '10s', min: '1ms', max: '1h', description: 'Longest wait for an answer' }),
};

export type ConnectionValues = OptionValues<Options<typeof connectionOptions>>;

export interface RedisNode {
  readonly host: string;
  readonly port: number;
}

/** Where a Redis is and how to get in, without having asked it. */
export interface RedisAddress extends ConnectionValues {
  /** `nodes` are one server, seeds of a Cluster, or Sentinels. */
  readonly kind: 'server' | 'cluster' | 'sentinel';
  readonly nodes: readonly [RedisNode, ...RedisNode[]];
  /** The URL for messages: without the password and the query. */
  readonly display: string;
}

const ACCEPTED =
  'redis://[user:password@]host[:port][,host[:port]...][/path][?options], or rediss:// for an encrypted connection';
const DEFAULT_PORT = 6379;
const DEFAULT_SENTINEL_PORT = 26_379;

interface UrlParts {
  readonly scheme: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly hosts: string;
  /** Without its leading slash, percent-decoded. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
}

export interface RedisUrl<O extends Options> {
  readonly address: RedisAddress;
  /** Without its leading slash, percent-decoded; empty where it was the number of the database. */
  readonly path: string;
  readonly values: OptionValues<O>;
}

/**
 * Takes a URL apart whose query sets the connection's options and these: `defineOptions(name, { ...connectionOptions, ... })`.
 *
 * @example
 * parseRedisUrl('redis://user:secret@a:7000,b:7000/?cluster=true', defineOptions('redis', connectionOptions)).address.nodes;
 *
 * @throws INVALID_OPTION, UNKNOWN_OPTION
 */
export function parseRedisUrl<D extends OptionDefinitions & typeof connectionOptions>(
  url: string,
  options: Options<D>,
): RedisUrl<Options<D>> {
  const parts = split(url);
  const isDatabase = /^rediss?$/.test(parts.scheme) && /^\d+$/.test(parts.path);
  const query = queryValues(options, isDatabase ? { ...parts.query, db: parts.path } : parts.query);
  const { values } = resolveOptions(options, { file: { path: displayOf(parts), values: query } });
  // The definitions include the connection's, which the compiler cannot see through the mapped type.
  const address = addressFrom(parts, values as ConnectionValues);
  return { address, path: isDatabase ? '' : parts.path, values };
}

/**
 * The address of a URL whose options have been resolved elsewhere, as for sinks and sources.
 *
 * @throws INVALID_OPTION
 */
export function redisAddress(url: string | URL, values: ConnectionValues): RedisAddress {
  return addressFrom(split(String(url)), values);
}

/** The options of a URL that says nothing but where Redis is. */
export const plainRedisOptions: Options<typeof connectionOptions> = defineOptions('redis', connectionOptions);

function addressFrom(parts: UrlParts, values: ConnectionValues): RedisAddress {
  const { cluster, sentinel } = values;
  if (cluster && sentinel !== undefined) {
    throw invalid('a Redis is either a Cluster or watched by Sentinels', 'cluster', cluster, 'cluster or sentinel');
  }
  if (cluster && values.db !== 0) throw invalid('a Redis Cluster has one database only', 'db', values.db, '0');
  const port = sentinel === undefined ? DEFAULT_PORT : DEFAULT_SENTINEL_PORT;
  const [first, ...more] = parts.hosts.split(',').map((host) => parseNode(host, port));
  if (first === undefined) throw invalid('the URL names no host', 'url', displayOf(parts), ACCEPTED);
  const nodes = [first, ...more] as const;
  const kind = cluster ? 'cluster' : sentinel === undefined ? 'server' : 'sentinel';
  if (kind === 'server' && more.length > 0) {
    const accepted = 'one host, or several with ?cluster=true or ?sentinel=NAME';
    throw invalid(
      'the URL names several servers without saying how they belong together',
      'url',
      parts.hosts,
      accepted,
    );
  }
  return {
    ...values,
    username: parts.username ?? values.username,
    password: parts.password ?? values.password,
    tls: values.tls || parts.scheme === 'rediss',
    kind,
    nodes,
    display: displayOf(parts),
  };
}

/**
 * A URL may name several hosts with ports, which the parser of the platform refuses. The login ends at the last @ in front
 * of the path. An @ behind it is refused: most likely the login has a / or ? that must be encoded, and what looks like
 * host, path and options is a password, which belongs in no message.
 */
function split(url: string): UrlParts {
  const match =
    /^(?<scheme>[a-z][a-z0-9+.-]*):\/\/(?:(?<user>[^:/?]*?)(?::(?<password>[^/?]*))?@)?(?<hosts>[^/?@]*)(?:\/(?<path>[^?@]*))?(?:\?(?<query>[^@]*))?$/i.exec(
      url,
    );
  const groups = match?.groups;
  if (groups === undefined) {
    const shown = `${/^[a-z][a-z0-9+.-]*:\/\//i.exec(url)?.[0] ?? ''}***`;
    throw invalid('this is no URL of a Redis (is a / ? or @ to be written as %2F %3F or %40?)', 'url', shown, ACCEPTED);
  }
  const { scheme = '', user = '', password, hosts = '', path = '', query = '' } = groups;
  return {
    scheme: scheme.toLowerCase(),
    username: user === '' ? undefined : decodeUrlPart(user),
    password: password === undefined ? undefined : decodeUrlPart(password),
    hosts,
    path: decodeUrlPart(path),
    query: Object.fromEntries(new URLSearchParams(query)),
  };
}

function parseNode(text: string, defaultPort: number): RedisNode {
  const match = /^(?<host>\[[0-9a-f:.]+\]|[^:[\]#\s]*)(?::(?<port>\d{1,5}))?$/i.exec(text);
  const port = Number(match?.groups?.['port'] ?? defaultPort);
  const host = match?.groups?.['host'];
  if (host === undefined || port > 65_535 || port === 0) {
    // A password whose host was forgotten looks like a port.
    throw invalid('this is no host of a Redis', 'url', text.replace(/:.*/s, ':***'), 'host, host:port or [IPv6]:port');
  }
  return { host: host === '' ? 'localhost' : host.replace(/^\[|\]$/g, ''), port };
}

const displayOf = ({ scheme, hosts, path }: UrlParts): string => `${scheme}://${hosts}${path === '' ? '' : `/${path}`}`;

const invalid = (message: string, field: string, value: unknown, accepted: string): MillraceError =>
  new MillraceError('INVALID_OPTION', `${message}: give ${accepted}`, { field, value, accepted });
