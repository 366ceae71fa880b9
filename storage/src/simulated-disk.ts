import { basename, dirname, join } from 'node:path';
import type { Disk, DiskFile } from './disk.ts';
import { StorageError } from './errors.ts';
import { SimulatedInode } from './simulated-file.ts';

export type DiskOperation =
  | 'open'
  | 'read'
  | 'write'
  | 'sync'
  | 'truncate'
  | 'rename'
  | 'unlink'
  | 'list'
  | 'mkdir'
  | 'syncDirectory';

/** A creation, rename or deletion that no `syncDirectory` has made durable yet. */
interface DirectoryChange {
  readonly directories: readonly string[];
  apply(names: Map<string, SimulatedInode>): void;
}

export interface SimulatedDiskOptions {
  /** Above this sum of file sizes, writes fail with DISK_FULL after writing what still fits. Default: no limit. */
  readonly capacity?: number;
  /** Called before every operation; throwing makes the operation fail without effect. */
  readonly onOperation?: (operation: DiskOperation, path: string) => void;
}

/**
 * A disk in memory that behaves as badly as a real one is allowed to: at {@link powerCut} any subset of unsynced
 * sectors, sizes, creations, renames and deletions survives.
 *
 * @example
 * const disk = new SimulatedDisk();
 * const log = await SegmentLog.open({ disk, directory: '/log', segmentBytes: 4096 });
 * disk.powerCut(Math.random);                     // every open file is dead now
 * const again = await SegmentLog.open({ disk, directory: '/log', segmentBytes: 4096 });
 */
export class SimulatedDisk implements Disk {
  capacity: number;
  onOperation: ((operation: DiskOperation, path: string) => void) | undefined;
  #names = new Map<string, SimulatedInode>();
  #durableNames = new Map<string, SimulatedInode>();
  #changes: DirectoryChange[] = [];
  #syncFailures = 0;
  #powered = 0;

  constructor(options: SimulatedDiskOptions = {}) {
    this.capacity = options.capacity ?? Infinity;
    this.onOperation = options.onOperation;
  }

  async open(path: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile> {
    this.begin('open', path);
    const found = this.#names.get(path);
    if (mode !== 'create') {
      if (found === undefined) throw new StorageError('FILE_MISSING', `no file ${path}`);
      return new SimulatedFile(this, path, found);
    }
    if (found !== undefined) throw new StorageError('FILE_EXISTS', `${path} exists`);
    const inode = new SimulatedInode();
    this.#change([dirname(path)], (names) => names.set(path, inode));
    return new SimulatedFile(this, path, inode);
  }

  async rename(from: string, to: string): Promise<void> {
    this.begin('rename', from);
    const inode = this.#named(from);
    this.#change([dirname(from), dirname(to)], (names) => {
      names.set(to, inode);
      names.delete(from);
    });
  }

  async unlink(path: string): Promise<void> {
    this.begin('unlink', path);
    this.#named(path);
    this.#change([dirname(path)], (names) => names.delete(path));
  }

  async list(directory: string): Promise<string[]> {
    this.begin('list', directory);
    return [...this.#names.keys()].filter((path) => dirname(path) === join(directory)).map((path) => basename(path));
  }

  /** Directories themselves are not simulated: they are there when a file is. */
  async mkdir(directory: string): Promise<void> {
    this.begin('mkdir', directory);
  }

  async syncDirectory(directory: string): Promise<void> {
    this.begin('syncDirectory', directory);
    const path = join(directory);
    for (const change of this.#changes) if (change.directories.includes(path)) change.apply(this.#durableNames);
    this.#changes = this.#changes.filter((change) => !change.directories.includes(path));
  }

  /** Loses what was not synced, as `random` (numbers in [0, 1)) decides. Files that are open can not be used any more. */
  powerCut(random: () => number): void {
    this.#powered++;
    for (const change of this.#changes) if (random() < 0.5) change.apply(this.#durableNames);
    this.#changes = [];
    this.#names = new Map(this.#durableNames);
    for (const inode of new Set(this.#names.values())) inode.powerCut(random);
  }

  /** The next `times` calls of `sync` fail, and what they should have made durable is lost. */
  failSync(times = 1): void {
    this.#syncFailures = times;
  }

  /** Turns over one bit, on the medium as in the cache. */
  flipBit(path: string, position: number, bit = 0): void {
    this.#named(path).flipBit(position, bit);
  }

  /** Sizes of all files, by path. */
  files(): Map<string, number> {
    return new Map([...this.#names].map(([path, inode]) => [path, inode.size]));
  }

  /** For files of this disk: how often the power had gone when they were opened. */
  get powered(): number {
    return this.#powered;
  }

  /** For files of this disk. */
  begin(operation: DiskOperation, path: string): void {
    this.onOperation?.(operation, path);
  }

  /** For files of this disk: bytes that still fit. */
  get free(): number {
    let used = 0;
    for (const inode of this.#names.values()) used += inode.size;
    return Math.max(0, this.capacity - used);
  }

  /** For files of this disk: whether this sync is one that fails. */
  takeSyncFailure(): boolean {
    if (this.#syncFailures === 0) return false;
    this.#syncFailures--;
    return true;
  }

  #named(path: string): SimulatedInode {
    const inode = this.#names.get(path);
    if (inode === undefined) throw new StorageError('FILE_MISSING', `no file ${path}`);
    return inode;
  }

  #change(directories: readonly string[], apply: (names: Map<string, SimulatedInode>) => void): void {
    apply(this.#names);
    this.#changes.push({ directories, apply });
  }
}

class SimulatedFile implements DiskFile {
  readonly path: string;
  readonly #disk: SimulatedDisk;
  readonly #inode: SimulatedInode;
  readonly #powered: number;
  #closed = false;

  constructor(disk: SimulatedDisk, path: string, inode: SimulatedInode) {
    this.#disk = disk;
    this.path = path;
    this.#inode = inode;
    this.#powered = disk.powered;
  }

  async read(target: Uint8Array, length: number, position: number): Promise<number> {
    this.#begin('read');
    return this.#inode.read(target, length, position);
  }

  async write(source: Uint8Array, length: number, position: number): Promise<void> {
    this.#begin('write');
    const fits = Math.min(length, Math.max(0, this.#inode.size - position) + this.#disk.free);
    this.#inode.write(source, fits, position);
    if (fits < length) throw new StorageError('DISK_FULL', `no space left for ${this.path}`);
  }

  async sync(): Promise<void> {
    this.#begin('sync');
    if (this.#disk.takeSyncFailure()) {
      this.#inode.forgetDirty();
      throw new StorageError('DISK_FAILED', `cannot sync ${this.path}`);
    }
    this.#inode.sync();
  }

  async truncate(size: number): Promise<void> {
    this.#begin('truncate');
    this.#inode.truncate(size);
  }

  async size(): Promise<number> {
    this.#begin('read');
    return this.#inode.size;
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #begin(operation: DiskOperation): void {
    if (this.#closed) throw new StorageError('CLOSED', `${this.path} is closed`);
    if (this.#powered !== this.#disk.powered) {
      throw new StorageError('DISK_FAILED', `the power went while ${this.path} was open`);
    }
    this.#disk.begin(operation, this.path);
  }
}
