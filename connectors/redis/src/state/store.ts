import { MillraceError, type StateOptions } from '@millrace/core';

import { parseRedisUrl } from '../address.ts';
import { BoundedLink } from '../bounded-link.ts';
import { StateKeys } from './keys.ts';
import { stateOptions } from './options.ts';
import { agreeOnSettings } from './settings.ts';

const DAY_MS = 24 * 3_600_000;
const DEFAULT_KEEP = 230;

/** What both ends of a state are made of. */
export interface RedisStateOptions extends Omit<StateOptions, 'keep' | 'retentionMs'> {
  readonly link: BoundedLink;
  readonly keys: StateKeys;
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
 * Connects and checks that the state there is the one that is meant; `make` gets what it needs.
 *
 * @param onLost is told of every lost connection
 * @throws INVALID_OPTION, UNKNOWN_OPTION, SCHEMA_MISMATCH, PARTITIONS_MISMATCH, UNAVAILABLE, UNAUTHORIZED
 */
export async function openStore<T>(
  url: string,
  options: OpenOptions,
  make: (store: RedisStateOptions) => T,
  onLost: (opened: T) => void = () => undefined,
): Promise<T> {
  const { address, values } = parseRedisUrl(url, stateOptions);
  const { logger } = options;
  let opened: T | undefined;
  const keys = new StateKeys(values.prefix);
  const link = new BoundedLink(address, {
    timeoutMs: values.retryTimeout,
    closedError,
    onLost: (error) => {
      logger?.warn({ err: error }, 'lost the connection to Redis: connecting again');
      if (opened !== undefined) onLost(opened);
    },
  });
  try {
    await link.run((client) => agreeOnSettings(client, keys, options));
    opened = make({
      ...options,
      link,
      keys,
      keep: options.keep ?? DEFAULT_KEEP,
      retentionMs: options.retentionMs ?? DAY_MS,
      cacheBytes: values.cache,
      dictionaryLimit: options.dictionaryLimit,
    });
    return opened;
  } catch (error) {
    await link.close();
    throw error;
  }
}

export const closedError = (): MillraceError =>
  new MillraceError('STATE_CLOSED', 'the state is closed: open it again to go on');
