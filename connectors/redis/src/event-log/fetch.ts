import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisAddress } from '../address.ts';
import type { RedisClient } from '../connection.ts';
import { Link } from '../link.ts';
import { idBefore, type LogKeys } from './keys.ts';
import type { Entry, PartitionCursor } from './partition-cursor.ts';

/** How long one command waits for new entries: what happens meanwhile, such as a new partition, is seen after it. */
const BLOCK_MS = 100;
const POLL_MS = { first: 2, longest: 50 };
const MAX_ENTRIES = 1000;
const FIRST_ENTRY_BYTES = 16 * 1024;

/** Gets what lies behind cursors, about as many bytes as are wanted. */
export interface Fetcher {
  /** Waits a while when there is nothing new. @returns whether there may be more at once */
  fetch(cursors: readonly PartitionCursor[], maxBytes: number, signal: AbortSignal): Promise<boolean>;
  /** Ends a running `fetch`. */
  close(): Promise<void>;
}

/** Entries can only be asked for by number; so many are as long as the last ones. */
class EntrySize {
  #bytes = FIRST_ENTRY_BYTES;

  entriesFor(bytes: number): number {
    return Math.max(1, Math.min(MAX_ENTRIES, Math.round(bytes / this.#bytes)));
  }

  seen(entries: number, bytes: number): void {
    if (entries > 0) this.#bytes = (this.#bytes + bytes / entries) / 2;
  }
}

/** One command for all partitions, on a connection of its own where it may wait. */
export class BlockingFetcher implements Fetcher {
  readonly #link: Link;
  readonly #keys: LogKeys;
  readonly #size = new EntrySize();

  constructor(address: RedisAddress, keys: LogKeys) {
    this.#link = new Link(address);
    this.#keys = keys;
  }

  async fetch(cursors: readonly PartitionCursor[], maxBytes: number, signal: AbortSignal): Promise<boolean> {
    const count = this.#size.entriesFor(maxBytes / cursors.length);
    const names = cursors.map(({ partition }) => this.#keys.log(partition));
    const ids = cursors.map(({ fetched }) => idBefore(fetched));
    const answer = await this.#link.run(
      (client) => (client as StreamReader).xreadBuffer('COUNT', count, 'BLOCK', BLOCK_MS, 'STREAMS', ...names, ...ids),
      signal,
    );
    let more = false;
    for (const [name, entries] of answer ?? []) {
      const cursor = cursors[names.indexOf(name.toString('utf8'))]!;
      this.#size.seen(entries.length, cursor.add(entries));
      more ||= entries.length === count;
    }
    return more;
  }

  close(): Promise<void> {
    return this.#link.close();
  }
}

/** A command per partition, for a Cluster: its partitions lie on several nodes, and only keys of one slot can be waited for together. */
export class PollingFetcher implements Fetcher {
  readonly #link: Link;
  readonly #keys: LogKeys;
  readonly #size = new EntrySize();
  #pauseMs = POLL_MS.first;

  constructor(link: Link, keys: LogKeys) {
    this.#link = link;
    this.#keys = keys;
  }

  async fetch(cursors: readonly PartitionCursor[], maxBytes: number, signal: AbortSignal): Promise<boolean> {
    const count = this.#size.entriesFor(maxBytes / cursors.length);
    const answers = await Promise.all(
      cursors.map(({ partition, fetched }) =>
        this.#link.run((client) => readEntries(client, this.#keys.log(partition), fetched, count), signal),
      ),
    );
    let more = false;
    for (const [i, entries] of answers.entries()) {
      this.#size.seen(entries.length, cursors[i]!.add(entries));
      more ||= entries.length === count;
    }
    if (answers.some((entries) => entries.length > 0)) {
      this.#pauseMs = POLL_MS.first;
    } else {
      await sleep(this.#pauseMs, undefined, { signal });
      this.#pauseMs = Math.min(2 * this.#pauseMs, POLL_MS.longest);
    }
    return more;
  }

  /** The connection is not its own: what is under way ends by itself. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}

export async function readEntries(
  client: RedisClient,
  key: string,
  from: number,
  count: number,
): Promise<readonly Entry[]> {
  const answer = await (client as StreamReader).xreadBuffer('COUNT', count, 'STREAMS', key, idBefore(from));
  return answer?.[0]?.[1] ?? [];
}

/** The driver's types do not say what `XREAD` answers. */
interface StreamReader {
  xreadBuffer(...words: readonly (string | number)[]): Promise<readonly (readonly [Buffer, readonly Entry[]])[] | null>;
}
