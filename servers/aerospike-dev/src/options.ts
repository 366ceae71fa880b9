import { MillraceError } from '@millrace/core';
import type { FaultRule } from './faults/faults.ts';
import { LARGEST_RECORD_BYTES } from './protocol/constants.ts';

export interface AerospikeDevOptions {
  /** TCP port of the first node; further nodes get free ports, or the ports after it. 0 = a free one. Default 3000. */
  readonly port?: number;
  /** Address to listen on; `0.0.0.0` is every interface. Default 127.0.0.1. */
  readonly host?: string;
  /**
   * Address that the nodes give to clients as theirs, where clients reach them through another one: a container, a
   * forwarded port. Default: the one that the client has connected to.
   */
  readonly accessAddress?: string;
  /** Default `['test']`. Community Edition takes at most two. */
  readonly namespaces?: readonly string[];
  /** Allows more namespaces than Community Edition does. Default false. */
  readonly allowManyNamespaces?: boolean;
  /** Simulated nodes in this process. Default 1. */
  readonly nodes?: number;
  /** Owners of each partition, as far as there are nodes. Default 2. */
  readonly replicationFactor?: number;
  /** Name that clients may ask for. Default `aerospike-dev`. */
  readonly clusterName?: string;
  /**
   * Milliseconds after the start during which clients are refused with "not yet fully initialized" (code -1), as a real
   * server does for a while. Default 0.
   */
  readonly initialisingMs?: number;
  /** Life in seconds of a record written without a TTL; 0 = for ever. Default 0. */
  readonly defaultTtl?: number;
  /**
   * Milliseconds between the sweeps that remove expired records. With 0, as on a fresh real server, a write with a TTL
   * is refused with code 22. Default 1000.
   */
  readonly nsupPeriodMs?: number;
  /** Takes TTLs also without a sweep. Default false. */
  readonly allowTtlWithoutNsup?: boolean;
  /** Largest record in bytes; a larger one is refused with code 13. Default 1 MiB. */
  readonly maxRecordBytes?: number;
  /** Bytes above which a namespace refuses writes with code 8. A process can hold about three of the default. Default 1 GiB. */
  readonly maxNamespaceBytes?: number;
  /** Connections of one node; one more is closed at once, as by the `proto-fd-max` of a real server. Default 15,000. */
  readonly maxConnections?: number;
  /** File that is read at start, if there, and written at stop and on demand. Default: none. */
  readonly snapshot?: string;
  /** Faults from the start on. Default: none. */
  readonly faults?: readonly FaultRule[];
  /** Start of the sequence that faults with a percentage are drawn from. Default 1. */
  readonly seed?: number;
}

const CE_NAMESPACES = 2;
const MAX_NAMESPACE_NAME_BYTES = 31;
const MAX_NODES = 16;
const NAMESPACE_NAME = /^[\w$-]+$/;

/** The options with their defaults, after all checks. @throws INVALID_OPTION */
export function resolveDevOptions(options: AerospikeDevOptions) {
  const resolved = {
    port: 3000,
    host: '127.0.0.1',
    namespaces: ['test'],
    allowManyNamespaces: false,
    nodes: 1,
    replicationFactor: 2,
    clusterName: 'aerospike-dev',
    initialisingMs: 0,
    defaultTtl: 0,
    nsupPeriodMs: 1000,
    allowTtlWithoutNsup: false,
    maxRecordBytes: 1024 * 1024,
    maxNamespaceBytes: 1024 ** 3,
    maxConnections: 15_000,
    faults: [],
    seed: 1,
    ...options,
  };
  checkInteger('port', resolved.port, 0, 65_535);
  checkInteger('nodes', resolved.nodes, 1, MAX_NODES);
  checkInteger('replicationFactor', resolved.replicationFactor, 1, MAX_NODES);
  checkInteger('initialisingMs', resolved.initialisingMs, 0, 2 ** 31 - 1);
  checkInteger('defaultTtl', resolved.defaultTtl, 0, 10 * 365 * 24 * 3600);
  checkInteger('nsupPeriodMs', resolved.nsupPeriodMs, 0, 2 ** 31 - 1);
  checkInteger('maxRecordBytes', resolved.maxRecordBytes, 128, LARGEST_RECORD_BYTES);
  checkInteger('maxConnections', resolved.maxConnections, 1, 1_000_000);
  checkInteger('maxNamespaceBytes', resolved.maxNamespaceBytes, 1024, Number.MAX_SAFE_INTEGER);
  checkNamespaces(resolved.namespaces, resolved.allowManyNamespaces);
  return resolved;
}

function checkNamespaces(names: readonly string[], allowMany: boolean): void {
  if (names.length === 0) refuse('namespaces', names, 'at least one name');
  if (new Set(names).size !== names.length) refuse('namespaces', names, 'different names');
  const wrong = names.find((name) => name.length > MAX_NAMESPACE_NAME_BYTES || !NAMESPACE_NAME.test(name));
  if (wrong !== undefined) {
    refuse('namespaces', wrong, `1 to ${MAX_NAMESPACE_NAME_BYTES} letters, digits, '_', '-' or '$'`);
  }
  if (!allowMany && names.length > CE_NAMESPACES) {
    refuse('namespaces', names, `at most ${CE_NAMESPACES}, as Community Edition, unless allowManyNamespaces is set`);
  }
}

function checkInteger(field: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) refuse(field, value, `an integer from ${min} to ${max}`);
}

function refuse(field: string, value: unknown, accepted: string): never {
  const shown = Array.isArray(value) ? value.join(',') : String(value);
  throw new MillraceError('INVALID_OPTION', `${field} of aerospike-dev cannot be ${shown}: it takes ${accepted}`, {
    field,
    value,
    accepted,
  });
}
