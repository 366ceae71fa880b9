import { type ErrorCode, MillraceError } from '@millrace/core';

/** Result codes of server and client that Millrace reacts to. */
export const STATUS = {
  ok: 0,
  server: 1,
  notFound: 2,
  generation: 3,
  parameter: 4,
  exists: 5,
  full: 8,
  timeout: 9,
  unavailable: 11,
  binType: 12,
  recordTooBig: 13,
  hotKey: 14,
  deviceOverload: 18,
  namespace: 20,
  binName: 21,
  forbidden: 22,
  filteredOut: 27,
  client: -1,
  maxConnections: -7,
  refused: -10,
} as const;

interface Meaning {
  readonly code: ErrorCode;
  /** What happened and what to do. */
  readonly says: string;
}

const unavailable = (says: string): Meaning => ({ code: 'UNAVAILABLE', says });
const refused = (says: string): Meaning => ({ code: 'REFUSED', says });

const MEANINGS: Readonly<Record<number, Meaning>> = {
  [STATUS.client]: unavailable(
    'no node can be reached, or the cluster is still starting: check the hosts, the port and the cluster name',
  ),
  [-4]: unavailable('a host has no address: check its name'),
  [-6]: unavailable(
    'the connection broke while it was in use: check the network to the nodes, and that no request is far too large',
  ),
  [STATUS.maxConnections]: unavailable(
    'more commands are in flight than the connections allow: raise max_conns_per_node, or send fewer at a time',
  ),
  [-8]: unavailable('no node has the partition of the record for now: the client is finding it again'),
  [-9]: unavailable('the TLS connection has failed: check tls_name, tls_ca and the certificates of the nodes'),
  [STATUS.refused]: unavailable('the node refuses connections: check that it runs and listens on this port'),
  [-11]: unavailable('the queue of the client is full: send fewer commands at a time'),
  [-12]: unavailable('the client has given up repeating the command: check the load of the cluster'),
  [-14]: unavailable('the node fails too often, so the client pauses: check the node'),
  [-15]: unavailable('the node did not answer'),
  [-16]: unavailable('some records of a batch have failed'),
  [-2]: refused('the client has refused a value or an option'),
  [STATUS.server]: refused('the server has failed at this command: see its log'),
  [STATUS.notFound]: refused('the record does not exist'),
  [STATUS.generation]: refused('the record was changed by another writer meanwhile: read it again'),
  [STATUS.parameter]: refused('the server does not take this, such as a TTL over 10 years or a record without bins'),
  [STATUS.exists]: refused('the record exists already'),
  [STATUS.full]: unavailable('the namespace is full and takes no writes: free space, or give it more memory or disk'),
  [STATUS.timeout]: unavailable(
    'no answer in time: check the load of the cluster, or raise total_timeout. A write may have been applied',
  ),
  7: unavailable('the cluster is changing: it will be back when it has settled'),
  10: refused('this needs a feature of Aerospike Enterprise'),
  [STATUS.unavailable]: unavailable(
    'the partition is moving to another node: it will be back when the cluster has settled',
  ),
  [STATUS.binType]: refused('a bin holds another type than the operation needs'),
  [STATUS.recordTooBig]: {
    code: 'RECORD_TOO_LARGE',
    says: 'the record is larger than the namespace takes (max-record-size, 1 MiB by default): split it',
  },
  [STATUS.hotKey]: unavailable(
    'too many commands for this key at a time: spread the writes over more keys, or batch them',
  ),
  [STATUS.deviceOverload]: unavailable('the disks of the cluster do not keep up with the writes: slow down'),
  [STATUS.namespace]: refused(
    'the namespace does not exist: add it to the configuration of the server, or use another',
  ),
  [STATUS.binName]: refused('a name of a bin has more than 15 characters: shorten it'),
  [STATUS.forbidden]: refused(
    'the server forbids this: for a TTL set nsup-period (or allow-ttl-without-nsup) of the namespace, or write without one',
  ),
  25: refused('this needs Aerospike Enterprise, such as a durable delete'),
  26: refused('the operation does not fit the value, such as an index beyond the end of a list'),
  [STATUS.filteredOut]: refused('the filter expression does not hold for the record'),
  60: { code: 'UNAUTHORIZED', says: 'the user is not known: check user and password' },
  61: { code: 'UNAUTHORIZED', says: 'the user is not known: check user and password' },
  62: { code: 'UNAUTHORIZED', says: 'the password is wrong' },
  65: { code: 'UNAUTHORIZED', says: 'the credentials are wrong: check user and password' },
  66: unavailable('the session of the user has ended: the client begins a new one'),
  80: { code: 'UNAUTHORIZED', says: 'the connection is not authenticated: give user and password' },
  81: { code: 'UNAUTHORIZED', says: 'the role of the user does not allow this' },
  83: unavailable('the quota of the user is exceeded: slow down'),
  152: unavailable('the queues of the server for batches are full: slow down'),
};

interface Failure {
  readonly code: number;
  readonly message: string;
  readonly inDoubt: boolean;
}

/** Code and message of a failure of the client; undefined for anything else. */
export function failureOf(error: unknown): Failure | undefined {
  if (!(error instanceof Error) || error.name !== 'AerospikeError') return undefined;
  const { code, inDoubt } = error as unknown as { readonly code: unknown; readonly inDoubt: unknown };
  if (typeof code !== 'number') return undefined;
  const { message } = error;
  // The client's own word when all nodes are away, under the code that servers have for their failures.
  const isEmpty = code === STATUS.server && message.includes('cluster is empty');
  return { code: isEmpty ? STATUS.client : code, message, inDoubt: inDoubt === true };
}

/**
 * A failure of the client as Millrace's own, by its code, which is all that can be relied on. After UNAVAILABLE a write
 * may have been applied.
 */
export function aerospikeError(error: unknown, display: string): MillraceError {
  if (error instanceof MillraceError) return error;
  const failure = failureOf(error);
  if (failure !== undefined) return statusError(failure.code, display, error);
  const message = error instanceof Error ? error.message : String(error);
  return new MillraceError('REFUSED', `Aerospike at ${display}: ${message}`, {
    field: 'url',
    value: display,
    cause: error,
  });
}

/** The same for the status of one record of a batch, which is no thrown error. */
export function statusError(status: number, display: string, cause?: unknown): MillraceError {
  const { code, says } = MEANINGS[status] ?? refused('the command has failed');
  const original = cause instanceof Error ? ` (${cause.message})` : '';
  return new MillraceError(code, `Aerospike at ${display} answered ${status}: ${says}${original}`, {
    field: 'url',
    value: display,
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Whether the same command may succeed later, unchanged. */
export const isTemporary = (status: number): boolean => MEANINGS[status]?.code === 'UNAVAILABLE';
