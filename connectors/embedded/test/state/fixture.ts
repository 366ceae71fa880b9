import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { OpenStateStore, StateStoreOptions } from '@millrace/testkit';

import { openEmbeddedStateReader } from '../../src/state/reader.ts';
import { openEmbeddedStateWriter } from '../../src/state/writer.ts';

/** A store in a temporary directory; the reader opens first and closes last, as in the product. */
export async function openStore(options: StateStoreOptions & { dictionaryLimit?: number }): Promise<OpenStateStore> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-state-'));
  const open = async (): Promise<OpenStateStore> => {
    const reader = await openEmbeddedStateReader({ ...options, directory });
    const writer = await openEmbeddedStateWriter({ ...options, directory });
    const closeBoth = async (): Promise<void> => {
      await writer.close();
      await reader.close();
    };
    return {
      writer,
      reader,
      async reopen() {
        await closeBoth();
        return open();
      },
      async close() {
        await closeBoth();
        await rm(directory, { recursive: true, force: true });
      },
    };
  };
  return open();
}
