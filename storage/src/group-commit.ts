import { StorageError, toStorageError } from './errors.ts';
import { FrameGroup } from './frame-group.ts';
import type { SegmentLog } from './segment-log.ts';

/** Who waits for records of a group. */
export interface Waiter {
  /** Durable; the group's first record has this offset. */
  durable(groupOffset: number): void;
  failed(error: StorageError): void;
}

export interface GroupCommitOptions {
  readonly log: SegmentLog;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Called after a group became durable, before its waiters hear of it. */
  readonly onDurable: (group: { readonly records: number; readonly bytes: number; readonly syncMs: number }) => void;
  /** Above this, {@link GroupCommit.group} refuses: a disk slower than its callers must not fill the memory. */
  readonly maxPendingBytes: number;
}

/** A group takes no further call above this size: a very large write would delay everyone in it. */
const GROUP_BYTES = 4 * 1024 * 1024;
const KEPT_GROUPS = 2;

interface PendingGroup {
  readonly frames: FrameGroup;
  readonly waiters: Waiter[];
}

/**
 * Collects what several callers append while the disk is busy, and writes it with one write and one fdatasync. One group
 * is in flight at a time, so durable is a single position.
 */
export class GroupCommit {
  readonly #options: GroupCommitOptions;
  readonly #queue: PendingGroup[] = [];
  readonly #idle: PendingGroup[] = [];
  #current: PendingGroup = newGroup();
  #flushing = false;
  #scheduled = false;
  #pendingBytes = 0;
  #whenIdle: (() => void)[] = [];

  constructor(options: GroupCommitOptions) {
    this.#options = options;
  }

  /** The group to encode the records of one call into; {@link wait} must follow at once. @throws TOO_MANY_PENDING */
  group(): FrameGroup {
    if (this.#current.frames.length > GROUP_BYTES) {
      if (this.#pendingBytes + this.#current.frames.length > this.#options.maxPendingBytes) {
        throw new StorageError('TOO_MANY_PENDING', 'the disk is slower than what is appended: try again later');
      }
      this.#pendingBytes += this.#current.frames.length;
      this.#queue.push(this.#current);
      this.#current = this.#idle.pop() ?? newGroup();
    }
    return this.#current.frames;
  }

  /** Settles the waiter when the records encoded before this call are durable, or cannot be. */
  wait(waiter: Waiter): void {
    this.#current.waiters.push(waiter);
    this.#schedule();
  }

  /** Resolves when nothing is waiting or being written. */
  drained(): Promise<void> {
    if (!this.#flushing && !this.#scheduled) return Promise.resolve();
    return new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  #schedule(): void {
    if (this.#flushing || this.#scheduled) return;
    this.#scheduled = true;
    // Not at once: callers of the same turn of the event loop, and those woken by the group before, share the sync.
    setImmediate(() => {
      this.#scheduled = false;
      this.#flushing = true;
      void this.#flush(this.#take());
    });
  }

  #take(): PendingGroup {
    const queued = this.#queue.shift();
    if (queued !== undefined) {
      this.#pendingBytes -= queued.frames.length;
      return queued;
    }
    const current = this.#current;
    this.#current = this.#idle.pop() ?? newGroup();
    return current;
  }

  /** Never rejects: an error goes to the group's waiters. */
  async #flush(group: PendingGroup): Promise<void> {
    const { log, now, onDurable } = this.#options;
    const started = performance.now();
    let failure: StorageError | undefined;
    try {
      await log.write(group.frames, now());
    } catch (error) {
      failure = toStorageError(error, 'write the log');
    }
    this.#flushing = false;
    const { waiters } = group;
    if (failure === undefined) {
      onDurable({ records: group.frames.records, bytes: group.frames.length, syncMs: performance.now() - started });
      const groupOffset = log.durable.offset - group.frames.records;
      for (let i = 0; i < waiters.length; i++) waiters[i]!.durable(groupOffset);
    } else {
      for (const waiter of waiters) waiter.failed(failure);
    }
    waiters.length = 0;
    group.frames.clear();
    if (this.#idle.length < KEPT_GROUPS) this.#idle.push(group);
    if (this.#queue.length > 0 || this.#current.waiters.length > 0) this.#schedule();
    else for (const idle of this.#whenIdle.splice(0)) idle();
  }
}

const newGroup = (): PendingGroup => ({ frames: new FrameGroup(), waiters: [] });
