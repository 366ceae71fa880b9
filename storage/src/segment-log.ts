import { join } from 'node:path';
import type { Disk, DiskFile } from './disk.ts';
import { StorageError, toStorageError } from './errors.ts';
import { FrameGroup } from './frame-group.ts';
import { recoverSegment } from './recovery.ts';

/** Everything before it is durable. */
export interface Watermark {
  /** Offset of the next record. */
  readonly offset: number;
  /** First offset of the segment that is written to: also its name. */
  readonly segment: number;
  /** Durable bytes of that segment. */
  readonly position: number;
}

export interface Segment {
  /** Offset of its first record. */
  readonly base: number;
  readonly bytes: number;
}

export interface SegmentLogOptions {
  readonly disk: Disk;
  readonly directory: string;
  /** A segment is closed before it would pass this size; a group larger than that gets a segment of its own. */
  readonly segmentBytes: number;
}

const NAME = /^(\d{16})\.log$/;

export const segmentPath = (directory: string, base: number): string =>
  join(directory, `${String(base).padStart(16, '0')}.log`);

/** First offsets of the segments in the directory, ascending. */
export async function listSegments(disk: Disk, directory: string): Promise<number[]> {
  const names = await disk.list(directory);
  return names
    .map((name) => NAME.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number)
    .toSorted((a, b) => a - b);
}

/**
 * The writing side of a directory of segment files. Only the last segment is examined when it is opened: a segment is
 * begun only when the one before it is durable to its end.
 *
 * Calls of {@link write} must follow one another; {@link GroupCommit} sees to that.
 */
export class SegmentLog {
  readonly #options: SegmentLogOptions;
  readonly #sealed: Segment[];
  #file: DiskFile;
  #durable: Watermark;
  #failure: StorageError | undefined;
  /** Whether a frame on disk proves that all of the segment is durable. */
  #proved: boolean;
  /** Bytes that recovery cut, and pieces of damage it left in the last segment. */
  readonly recovered: { readonly cutBytes: number; readonly damaged: number };

  private constructor(
    options: SegmentLogOptions,
    start: {
      sealed: Segment[];
      file: DiskFile;
      durable: Watermark;
      proved: boolean;
      cutBytes: number;
      damaged: number;
    },
  ) {
    this.#options = options;
    this.#sealed = start.sealed;
    this.#file = start.file;
    this.#durable = start.durable;
    this.#proved = start.proved;
    this.recovered = { cutBytes: start.cutBytes, damaged: start.damaged };
  }

  static async open(options: SegmentLogOptions): Promise<SegmentLog> {
    const { disk, directory } = options;
    await disk.mkdir(directory);
    const bases = await listSegments(disk, directory);
    const last = bases.pop();
    if (last === undefined) {
      const file = await createSegment(options, 0);
      const durable = { offset: 0, segment: 0, position: 0 };
      return new SegmentLog(options, { sealed: [], file, durable, proved: true, cutBytes: 0, damaged: 0 });
    }
    const sealed: Segment[] = [];
    for (const base of bases) sealed.push({ base, bytes: await sizeOf(disk, segmentPath(directory, base)) });
    const file = await disk.open(segmentPath(directory, last), 'write');
    const size = await file.size();
    const { end, next, damaged, proved } = await recoverSegment(file, last);
    if (end < size) await file.truncate(end);
    // After a kill the tail may stand in the page cache only, and the file's name too.
    await file.sync();
    await disk.syncDirectory(directory);
    const durable = { offset: next, segment: last, position: end };
    return new SegmentLog(options, { sealed, file, durable, proved, cutBytes: size - end, damaged });
  }

  get durable(): Watermark {
    return this.#durable;
  }

  /** All segments, oldest first; the last one is written to. */
  get segments(): readonly Segment[] {
    return [...this.#sealed, { base: this.#durable.segment, bytes: this.#durable.position }];
  }

  /** Why nothing can be written any more. */
  get failure(): StorageError | undefined {
    return this.#failure;
  }

  /**
   * Writes and syncs the group; its first record gets the durable offset as it was before the call.
   *
   * @throws DISK_FULL: nothing was written, and a later call may succeed
   * @throws DISK_FAILED: the group is in doubt, and every later call fails too: after a failed fdatasync the kernel may
   *   have dropped the pages, so only reading the disk again (a restart) tells what is there
   */
  async write(group: FrameGroup, time: number): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#isFullFor(group)) await this.#roll();
    const { offset, segment, position } = this.#durable;
    group.seal(segment, position, offset, time);
    try {
      await this.#file.write(group.buffer, group.length, position);
    } catch (error) {
      throw await this.#undo(toStorageError(error, 'write the log'));
    }
    try {
      await this.#file.sync();
    } catch (error) {
      throw this.#fail(error);
    }
    this.#proved = group.records === 0;
    this.#durable = { offset: offset + group.records, segment, position: position + group.length };
  }

  /** Removes the oldest segment, unless it is written to. */
  async removeOldest(): Promise<void> {
    const oldest = this.#sealed[0];
    if (oldest === undefined) return;
    const { disk, directory } = this.#options;
    try {
      await disk.unlink(segmentPath(directory, oldest.base));
    } catch (error) {
      // Removed by hand: that is what was wanted.
      if (toStorageError(error, 'remove a segment').code !== 'FILE_MISSING') throw error;
    }
    this.#sealed.shift();
    await disk.syncDirectory(directory);
  }

  /**
   * Leaves a mark that everything is durable, so that a later start can tell damage of the last group from a torn tail.
   * `time` is now, in milliseconds since the epoch.
   */
  async close(time: number): Promise<void> {
    if (this.#failure === undefined && !this.#proved) {
      const mark = new FrameGroup();
      mark.mark();
      try {
        await this.write(mark, time);
      } catch (error) {
        // Without the mark nothing is lost: a full disk must not keep the log from closing.
        if (toStorageError(error, 'mark the end of the log').code !== 'DISK_FULL') throw error;
      }
    }
    await this.#file.close();
  }

  /** A segment without records is never full, whatever marks it holds: the next one would have the same name. */
  #isFullFor(group: FrameGroup): boolean {
    const { offset, segment, position } = this.#durable;
    return offset > segment && group.records > 0 && position + group.length > this.#options.segmentBytes;
  }

  async #roll(): Promise<void> {
    const { offset, segment, position } = this.#durable;
    const before = this.#file;
    try {
      this.#file = await createSegment(this.#options, offset);
    } catch (error) {
      const failure = toStorageError(error, 'begin a segment');
      throw failure.code === 'DISK_FULL' ? failure : this.#fail(error);
    }
    this.#sealed.push({ base: segment, bytes: position });
    this.#durable = { offset, segment: offset, position: 0 };
    this.#proved = true;
    await before.close();
  }

  /** Takes back what a full disk let through of a group. */
  async #undo(error: StorageError): Promise<StorageError> {
    if (error.code !== 'DISK_FULL') return this.#fail(error);
    try {
      await this.#file.truncate(this.#durable.position);
      await this.#file.sync();
      return error;
    } catch (cause) {
      return this.#fail(cause);
    }
  }

  #fail(error: unknown): StorageError {
    const cause = toStorageError(error, 'write the log');
    this.#failure = new StorageError('DISK_FAILED', cause.message, cause);
    return this.#failure;
  }
}

async function createSegment(options: SegmentLogOptions, base: number): Promise<DiskFile> {
  const { disk, directory } = options;
  const path = segmentPath(directory, base);
  const file = await disk.open(path, 'create');
  try {
    await disk.syncDirectory(directory);
    return file;
  } catch (error) {
    await file.close();
    await disk.unlink(path);
    throw error;
  }
}

async function sizeOf(disk: Disk, path: string): Promise<number> {
  const file = await disk.open(path, 'read');
  try {
    return await file.size();
  } finally {
    await file.close();
  }
}
