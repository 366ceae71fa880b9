import { join } from 'node:path';

import { type Connector, DEFAULT_PARTITIONS, MillraceError, type StateOptions } from '@millrace/core';

import { type DataDirectory, openDataDirectory } from './data-directory.ts';
import { openEmbeddedEventLog } from './event-log.ts';
import { openEmbeddedLogReader } from './event-log-reader.ts';
import { openEmbeddedKeyValueStore } from './key-value-store.ts';
import { SharedStores } from './shared-store.ts';
import { openEmbeddedStateReader, openEmbeddedStateWriter } from './state/index.ts';
import { canonicalPath, parseEmbeddedUrl } from './url.ts';

const DAY_MS = 24 * 3_600_000;
const DEFAULT_LOG_BYTES = 20_000_000_000;
const DEFAULT_KEEP = 230;

/**
 * Opens the contracts in one data directory. Everything opened keeps the directory's lock until it is closed, from any
 * thread; docs/embedded.md has the whole picture.
 *
 * @throws every opener: INVALID_OPTION, DATA_DIRECTORY_LOCKED, DATA_DIRECTORY_VERSION
 */
export function createConnector(): Connector {
  const keyValueStores = new SharedStores();
  return {
    async openEventLog(url, options) {
      const { path } = parseEmbeddedUrl(url);
      const directory = await openDataDirectory(path, { exclusive: 'log' });
      return holding(directory, () =>
        openEmbeddedEventLog({
          ...options,
          directory: join(directory.path, 'log'),
          partitions: options.partitions ?? DEFAULT_PARTITIONS,
          retentionMs: options.retentionMs ?? DAY_MS,
          maxBytes: options.maxBytes ?? DEFAULT_LOG_BYTES,
        }),
      );
    },

    async openLogReader(url, { channel }) {
      const { path } = parseEmbeddedUrl(url);
      if (channel === undefined) {
        throw new MillraceError(
          'NOT_SUPPORTED',
          `${url} is read through the thread that writes it: give the channel that its log serves, or use that log`,
          { field: 'channel', accepted: 'the other end of the channel given to EventLog.serve' },
        );
      }
      // Whoever serves the channel holds the lock, which a child process could not have besides.
      return openEmbeddedLogReader({ directory: join(await canonicalPath(path), 'log'), channel });
    },

    async openStateWriter(url, options) {
      const directory = await openDataDirectory(parseEmbeddedUrl(url).path);
      return holding(directory, () => openEmbeddedStateWriter(stateIn(directory, options)));
    },

    async openStateReader(url, options) {
      const directory = await openDataDirectory(parseEmbeddedUrl(url).path);
      return holding(directory, () => openEmbeddedStateReader(stateIn(directory, options)));
    },

    async openKeyValueStore(url) {
      const { path, syncAlways } = parseEmbeddedUrl(url);
      const directory = await openDataDirectory(path);
      return holding(directory, () =>
        // The stores of one directory differ in nothing but their sync; two of them get the store's own lock error.
        keyValueStores.open(`${directory.path}?${syncAlways}`, () =>
          openEmbeddedKeyValueStore({ directory: directory.path, syncAlways }),
        ),
      );
    },
  };
}

function stateIn(
  directory: DataDirectory,
  options: StateOptions,
): StateOptions & { directory: string; keep: number; retentionMs: number } {
  return {
    ...options,
    directory: join(directory.path, 'state'),
    keep: options.keep ?? DEFAULT_KEEP,
    retentionMs: options.retentionMs ?? DAY_MS,
  };
}

interface Closable {
  close(): Promise<void>;
}

/** Opens something in the directory; closing it also closes the directory, which a failure to open closes at once. */
async function holding<T extends Closable>(directory: DataDirectory, open: () => Promise<T>): Promise<T> {
  let opened: T;
  try {
    opened = await open();
  } catch (error) {
    await directory.close();
    throw error;
  }
  const close = opened.close.bind(opened);
  return Object.assign(opened, {
    close: async (): Promise<void> => {
      try {
        await close();
      } finally {
        await directory.close();
      }
    },
  });
}
