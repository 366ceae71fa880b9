import { MillraceError, type StateOptions } from '@millrace/core';

import { checkName, parseAerospikeUrl } from '../address.ts';
import { connect } from '../client.ts';
import { type NamespaceInfo, namespaceInfo, slowerSync } from '../namespace-info.ts';
import { Records } from '../records.ts';
import { LONGEST_SUFFIX_BYTES, StateKeys } from './keys.ts';
import { stateOptions } from './options.ts';
import { agreeOnSettings } from './settings.ts';

const DAY_MS = 24 * 3_600_000;
/**
 * The index of a partition's minutes is one bin, of three bytes for each minute at most: so it stays below a record. See
 * `MinuteIndex`.
 */
const MAX_RETENTION_MS = 180 * DAY_MS;
const DEFAULT_KEEP = 230;
const DEFAULT_SET = 'millrace';
const MAX_SET_BYTES = 63;

/** What both ends of a state are made of. */
export interface AerospikeStateOptions extends Omit<StateOptions, 'keep' | 'retentionMs'> {
  readonly records: Records;
  readonly keys: StateKeys;
  readonly info: NamespaceInfo;
  readonly keep: number;
  readonly retentionMs: number;
  readonly cacheBytes: number;
  readonly dictionaryLimit: number | undefined;
}

export interface OpenOptions extends StateOptions {
  /** Most entries of a dimension's dictionary, for tests. Default 65,535. */
  readonly dictionaryLimit?: number;
}

/**
 * Connects and checks that the state there is the one that is meant.
 *
 * @throws INVALID_OPTION, UNKNOWN_OPTION, SCHEMA_MISMATCH, PARTITIONS_MISMATCH, CONNECTOR_NOT_INSTALLED, UNAVAILABLE,
 *   UNAUTHORIZED, REFUSED
 */
export async function openStore(url: string, options: OpenOptions): Promise<AerospikeStateOptions> {
  const { address, values } = parseAerospikeUrl(url, stateOptions);
  const { namespace, set = DEFAULT_SET } = address;
  const { aggregatesNamespace = namespace } = values;
  const { keep = DEFAULT_KEEP, retentionMs = DAY_MS } = options;
  if (!(retentionMs <= MAX_RETENTION_MS)) {
    const accepted = `at most ${MAX_RETENTION_MS / DAY_MS}d`;
    throw new MillraceError('INVALID_OPTION', `Aerospike keeps rollups for ${accepted}: give a shorter retention`, {
      field: 'retention',
      value: retentionMs,
      accepted,
    });
  }
  checkName('set', set, MAX_SET_BYTES - LONGEST_SUFFIX_BYTES);
  const connection = await connect(address, { namespaces: [...new Set([namespace, aggregatesNamespace])] });
  const records = new Records(connection, { timeoutMs: values.retryTimeout, closedError });
  try {
    const keys = new StateKeys(connection.driver, { namespace, aggregatesNamespace, set });
    await agreeOnSettings(records, keys, options);
    const info = await namespaceInfo(records, namespace);
    const { syncLagMs } = aggregatesNamespace === namespace ? info : await namespaceInfo(records, aggregatesNamespace);
    return {
      ...options,
      records,
      keys,
      // The log forgets what is safe, so rollups in memory must not pass for safe because the rest is on disk.
      info: { ...info, syncLagMs: slowerSync(info.syncLagMs, syncLagMs) },
      keep,
      retentionMs,
      cacheBytes: values.cache,
      dictionaryLimit: options.dictionaryLimit,
    };
  } catch (error) {
    await records.close();
    throw error;
  }
}

export const closedError = (): MillraceError =>
  new MillraceError('STATE_CLOSED', 'the state is closed: open it again to go on');
