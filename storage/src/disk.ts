/**
 * What segment files need of a disk, no more. {@link nodeDisk} is the real one; {@link SimulatedDisk} loses what was
 * not synced.
 *
 * Nothing is durable before `sync` (a file's bytes and size) or `syncDirectory` (its names) has resolved.
 */
export interface Disk {
  /**
   * `read` and `write` open an existing file; `create` makes a new one.
   *
   * @throws FILE_MISSING, FILE_EXISTS (create)
   */
  open(path: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile>;
  /** Replaces `to` if it exists. */
  rename(from: string, to: string): Promise<void>;
  /** @throws FILE_MISSING */
  unlink(path: string): Promise<void>;
  /** Names of the files in the directory, in no promised order. */
  list(directory: string): Promise<string[]>;
  /** Its parent must exist; harmless when it exists itself. Durable when it resolves. */
  mkdir(directory: string): Promise<void>;
  /** Makes creations, renames and deletions in the directory durable. */
  syncDirectory(directory: string): Promise<void>;
}

export interface DiskFile {
  readonly path: string;
  /** Reads up to `length` bytes into `target` from its start; fewer only at the end of the file. */
  read(target: Uint8Array, length: number, position: number): Promise<number>;
  /**
   * Writes the first `length` bytes of `source`, all of them or it rejects; after a rejection any part may be written.
   *
   * @throws DISK_FULL, DISK_FAILED
   */
  write(source: Uint8Array, length: number, position: number): Promise<void>;
  /** Makes all that was written or truncated durable (fdatasync). @throws DISK_FAILED: its earlier writes are in doubt */
  sync(): Promise<void>;
  truncate(size: number): Promise<void>;
  size(): Promise<number>;
  /** Does not sync. Closing twice is harmless. */
  close(): Promise<void>;
}
