import { type KeyValueStore, MillraceError, type SetOptions, type Version, type Versioned } from '@millrace/core';

interface SharedStore {
  readonly store: Promise<KeyValueStore>;
  users: number;
  /** Set once the last user has closed. */
  closing: Promise<void> | undefined;
}

/**
 * Lets several openers use one store: compare-and-set is atomic only where all writes go through one object. The
 * first opener opens it, the last closes it.
 */
export class SharedStores {
  readonly #stores = new Map<string, SharedStore>();

  /** A handle on the store of this name, which `openStore` opens if nobody has. */
  async open(name: string, openStore: () => Promise<KeyValueStore>): Promise<KeyValueStore> {
    let shared = this.#stores.get(name);
    while (shared?.closing !== undefined) {
      await Promise.allSettled([shared.closing]);
      shared = this.#stores.get(name);
    }
    if (shared === undefined) {
      shared = { store: openStore(), users: 0, closing: undefined };
      this.#stores.set(name, shared);
    }
    shared.users++;
    try {
      const store = await shared.store;
      return new StoreHandle(store, () => this.#release(name, shared, store));
    } catch (error) {
      if (this.#stores.get(name) === shared) this.#stores.delete(name);
      throw error;
    }
  }

  async #release(name: string, shared: SharedStore, store: KeyValueStore): Promise<void> {
    shared.users--;
    if (shared.users > 0) return;
    shared.closing = store.close().finally(() => this.#stores.delete(name));
    await shared.closing;
  }
}

/** One opener's use of a shared store. */
class StoreHandle implements KeyValueStore {
  readonly #store: KeyValueStore;
  readonly #release: () => Promise<void>;
  #closing: Promise<void> | undefined;

  constructor(store: KeyValueStore, release: () => Promise<void>) {
    this.#store = store;
    this.#release = release;
  }

  async getMany(keys: readonly string[]): Promise<(Versioned | undefined)[]> {
    return this.#open().getMany(keys);
  }

  async set(key: string, value: Uint8Array, options?: SetOptions): Promise<Version | undefined> {
    return this.#open().set(key, value, options);
  }

  async delete(key: string, options?: { readonly if?: Version }): Promise<boolean> {
    return this.#open().delete(key, options);
  }

  async increment(key: string, by: bigint, options?: { readonly ttlMs?: number }): Promise<bigint> {
    return this.#open().increment(key, by, options);
  }

  async *scan(prefix: string): AsyncGenerator<string> {
    yield* this.#open().scan(prefix);
  }

  close(): Promise<void> {
    this.#closing ??= this.#release();
    return this.#closing;
  }

  #open(): KeyValueStore {
    if (this.#closing === undefined) return this.#store;
    throw new MillraceError('NOT_RUNNING', 'the key-value store is closed: open it again');
  }
}
