import {
  decodeUrlPart,
  MillraceError,
  queryValues,
  type OptionDefinitions,
  type Options,
  type OptionValues,
  resolveOptions,
} from '@millrace/core';

import type { connectionOptions, ConnectionValues } from './connection-options.ts';

/** Where an Aerospike cluster is and how to get in, without having asked it. */
export interface AerospikeAddress extends ConnectionValues {
  readonly nodes: readonly AerospikeNode[];
  readonly namespace: string;
  /** Undefined: as the part that opens it says. */
  readonly set: string | undefined;
  /** The URL for messages: without the password and the query. */
  readonly display: string;
}

export interface AerospikeNode {
  readonly addr: string;
  readonly port: number;
  readonly tlsname?: string;
}

export interface AerospikeUrl<O extends Options> {
  readonly address: AerospikeAddress;
  readonly values: OptionValues<O>;
}

const DEFAULT_PORT = 3000;
const MAX_NAMESPACE_BYTES = 31;
const MAX_SET_BYTES = 63;
const ACCEPTED =
  'aerospike://[user:password@]host[:port][,host[:port]...]/namespace[/set][?options], or ' +
  'aerospike://namespace/set?hosts=host:port,...';

interface UrlParts {
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** Between the two slashes and the next: nodes, or the namespace where the nodes are an option. */
  readonly authority: string;
  readonly path: readonly string[];
  readonly query: Readonly<Record<string, string>>;
}

/**
 * Takes a URL apart whose query sets the connection's options and these: `defineOptions(name, { ...connectionOptions, ... })`.
 *
 * @example
 * parseAerospikeUrl('aerospike://a:3000,b:3000/test/demo', plainAerospikeOptions).address.namespace; // test
 * parseAerospikeUrl('aerospike://test/demo?hosts=a:3000', plainAerospikeOptions).address.set; // demo
 *
 * @throws INVALID_OPTION, UNKNOWN_OPTION
 */
export function parseAerospikeUrl<D extends OptionDefinitions & typeof connectionOptions>(
  url: string,
  options: Options<D>,
): AerospikeUrl<Options<D>> {
  const parts = split(url);
  const query = queryValues(options, parts.query);
  const { values } = resolveOptions(options, { file: { path: displayOf(parts), values: query } });
  // The definitions include the connection's, which the compiler cannot see through the mapped type.
  return { address: addressFrom(parts, values as ConnectionValues), values };
}

/** Where a destination of the original is that names no hosts: `aerospike://namespace/set`. */
const DEFAULT_HOSTS = `localhost:${DEFAULT_PORT}`;

/**
 * The address of a destination of records, whose options have been resolved elsewhere. Records need a set: so where a
 * URL has two parts only, and the first can be no more than a name, they are namespace and set on this machine.
 *
 * @throws INVALID_OPTION
 */
export function sinkAddress(url: string | URL, values: ConnectionValues): AerospikeAddress {
  const parts = split(String(url));
  const { username, authority, path } = parts;
  const isNamespace =
    values.hosts === undefined && username === undefined && path.length === 1 && path[0] !== '' && isName(authority);
  return addressFrom(parts, isNamespace ? { ...values, hosts: DEFAULT_HOSTS } : values);
}

/** Of a namespace, and not of a host: without port, dots and commas. */
const isName = (authority: string): boolean => /^[\w-]+$/.test(authority) && authority !== 'localhost';

function addressFrom(parts: UrlParts, values: ConnectionValues): AerospikeAddress {
  const place =
    values.hosts === undefined ? [parts.authority, ...parts.path] : [undefined, parts.authority, ...parts.path];
  const [inUrl, namespace = '', set, ...rest] = place;
  const hosts = values.hosts ?? inUrl ?? '';
  if (namespace === '') {
    throw invalid(
      `the URL names no namespace, or no hosts for the namespace "${parts.authority}"`,
      'url',
      displayOf(parts),
      ACCEPTED,
    );
  }
  if (rest.length > 0) throw invalid('the URL has more than namespace and set', 'url', displayOf(parts), ACCEPTED);
  checkName('namespace', namespace, MAX_NAMESPACE_BYTES);
  // The client would cut a longer one without a word, so that two sets become one.
  if (set !== undefined) checkName('set', set, MAX_SET_BYTES);
  return {
    ...values,
    username: parts.username ?? values.username,
    password: parts.password ?? values.password,
    nodes: hosts.split(',').map((host) => parseNode(host, values)),
    namespace,
    set: set === '' ? undefined : set,
    // Where the hosts are an option the URL would not show who did not answer.
    display: values.hosts === undefined ? displayOf(parts) : displayOf({ authority: hosts, path: place.slice(1) }),
  };
}

/** @throws INVALID_OPTION for what the server, or silently the client, would not take */
export function checkName(field: string, name: string, maxBytes: number): void {
  const accepted = `at most ${maxBytes} bytes of UTF-8 without NUL, ':' and ';'`;
  if (Buffer.byteLength(name) > maxBytes || /[\0:;]/.test(name)) {
    throw invalid(`this is no name of a ${field}`, field, name, accepted);
  }
}

/** A URL may name several hosts with ports, which the parser of the platform refuses. */
function split(url: string): UrlParts {
  const match =
    /^aerospike:\/\/(?:(?<user>[^:@/?]*)(?::(?<password>[^@/?]*))?@)?(?<authority>[^/?@]*)(?:\/(?<path>[^?]*))?(?:\?(?<query>.*))?$/i.exec(
      url,
    );
  const groups = match?.groups;
  if (groups === undefined) {
    // A password may have any characters where the URL is wrong, and an option may be one.
    const shown = url.replace(/\/\/.*@/s, '//***@').replace(/\?.*/s, '');
    throw invalid('this is no URL of an Aerospike cluster', 'url', shown, ACCEPTED);
  }
  const { user = '', password, authority = '', path = '', query = '' } = groups;
  return {
    username: user === '' ? undefined : decodeUrlPart(user),
    password: password === undefined ? undefined : decodeUrlPart(password),
    authority: decodeUrlPart(authority),
    path: path === '' ? [] : path.replace(/\/$/, '').split('/').map(decodeUrlPart),
    query: Object.fromEntries(new URLSearchParams(query)),
  };
}

function parseNode(text: string, { tlsName }: ConnectionValues): AerospikeNode {
  const match = /^(?<host>\[[0-9a-f:.]+\]|[^:[\]]*)(?::(?<port>\d{1,5}))?$/i.exec(text.trim());
  const port = Number(match?.groups?.['port'] ?? DEFAULT_PORT);
  const host = match?.groups?.['host'];
  if (host === undefined || port > 65_535 || port === 0) {
    throw invalid('this is no node of an Aerospike cluster', 'hosts', text, 'host, host:port or [IPv6]:port');
  }
  const addr = host === '' ? 'localhost' : host.replace(/^\[|\]$/g, '');
  return { addr, port, ...(tlsName === undefined ? {} : { tlsname: tlsName }) };
}

const displayOf = ({ authority, path }: { authority: string; path: readonly (string | undefined)[] }): string =>
  `aerospike://${[authority, ...path].join('/')}`;

const invalid = (message: string, field: string, value: unknown, accepted: string): MillraceError =>
  new MillraceError('INVALID_OPTION', `${message}: give ${accepted}`, { field, value, accepted });
