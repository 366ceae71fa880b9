import type { Damage } from '@millrace/core';
import {
  endOf,
  isIntact,
  listSegments,
  readFrames,
  seekFrame,
  segmentPath,
  toStorageError,
  type Disk,
  type DiskFile,
  type ReadFrame,
  type Watermark,
} from '@millrace/storage';

/** Reason of the damage where records went before they were read. */
export const REMOVED = 'removed by the size limit';

/** At most so many bytes of a damaged stretch are handed out. */
const DAMAGE_BYTES = 64 * 1024;

/** Intact frames of the stretch [from, to) of offsets, and what of it can not be read. */
export interface Stretch {
  readonly buffer: Buffer;
  readonly frames: readonly ReadFrame[];
  readonly from: number;
  readonly to: number;
  readonly damage: readonly Damage[];
}

interface OpenSegment {
  readonly base: number;
  readonly file: DiskFile;
}

/** A place in the one physical stream of the log, from which frames are read forward. */
export class LogCursor {
  readonly #disk: Disk;
  readonly #directory: string;
  #offset: number;
  #segment: OpenSegment | undefined;
  #position = 0;
  /** Bytes before `position` that were no frame, until a frame behind them tells which offsets were lost. */
  #gap: { readonly from: number; readonly to: number } | undefined;

  constructor(disk: Disk, directory: string, offset: number) {
    this.#disk = disk;
    this.#directory = directory;
    this.#offset = offset;
  }

  /** Offset of the next record. */
  get offset(): number {
    return this.#offset;
  }

  /** The next frames below the watermark, as many as the buffer holds; an empty stretch only when there are none. */
  async next(watermark: Watermark, buffer: Buffer): Promise<Stretch> {
    const from = this.#offset;
    const damage: Damage[] = [];
    while (this.#offset < watermark.offset) {
      const segment = this.#segment ?? (await this.#open(watermark, damage));
      const isActive = segment.base === watermark.segment;
      const end = isActive ? watermark.position : await segment.file.size();
      if (this.#position >= end) {
        await this.#endOfSegment(segment, watermark, isActive, damage);
        continue;
      }
      const chunk = await readFrames(segment.file, segment.base, this.#position, end, buffer);
      const frames: ReadFrame[] = [];
      for (const item of chunk.items) {
        if ('from' in item) {
          this.#gap = { from: this.#gap?.from ?? item.from, to: item.to };
          continue;
        }
        await this.#frame(segment, item, chunk.buffer, frames, damage);
      }
      this.#position = chunk.next;
      if (this.#offset > from) return { buffer: chunk.buffer, frames, from, to: this.#offset, damage };
    }
    return { buffer, frames: [], from, to: this.#offset, damage };
  }

  /** Goes back to a record of the stretch that was read last: the next stretch begins with it. */
  rewind(frame: ReadFrame, offset: number): void {
    this.#position = frame.header.position;
    this.#offset = offset;
    this.#gap = undefined;
  }

  async close(): Promise<void> {
    const segment = this.#segment;
    this.#segment = undefined;
    await segment?.file.close();
  }

  async #frame(
    segment: OpenSegment,
    frame: ReadFrame,
    buffer: Buffer,
    frames: ReadFrame[],
    damage: Damage[],
  ): Promise<void> {
    const { header } = frame;
    const end = header.offset + header.records;
    const gap = this.#gap;
    this.#gap = undefined;
    // Below the place that was asked for: reading starts some frames early.
    if (end <= this.#offset) return;
    if (header.offset > this.#offset) {
      const bytes = gap ?? { from: header.position, to: header.position };
      damage.push(await this.#lost(segment, bytes, header.offset, 'no valid frame header'));
    }
    if (isIntact(header, buffer, frame.bodyAt)) {
      frames.push(frame);
      this.#offset = end;
      return;
    }
    const bytes = { from: header.position, to: endOf(header) };
    damage.push(await this.#lost(segment, bytes, end, 'wrong checksum of a frame'));
  }

  async #endOfSegment(segment: OpenSegment, watermark: Watermark, isActive: boolean, damage: Damage[]): Promise<void> {
    const bases = await this.#bases(watermark);
    const next = isActive ? watermark.offset : bases.find((base) => base > segment.base);
    if (next === undefined) throw new Error(`segment ${segment.base} has no successor, but is not the last one`);
    if (this.#offset < next) {
      const bytes = this.#gap ?? { from: this.#position, to: this.#position };
      const contiguous = isActive || bases.includes(segment.base);
      damage.push(await this.#lost(segment, bytes, next, contiguous ? 'no valid frame header' : REMOVED));
    }
    this.#gap = undefined;
    if (isActive) return;
    await this.close();
  }

  /** Moves past records that can not be read. */
  async #lost(
    segment: OpenSegment,
    bytes: { readonly from: number; readonly to: number },
    to: number,
    reason: string,
  ): Promise<Damage> {
    const content = Buffer.alloc(Math.min(DAMAGE_BYTES, bytes.to - bytes.from));
    const length = await segment.file.read(content, content.length, bytes.from);
    const place = `${segment.file.path}, bytes ${bytes.from} to ${bytes.to}`;
    const from = this.#offset;
    this.#offset = to;
    return { from, to, place, reason, bytes: content.subarray(0, length) };
  }

  /** Opens the segment that holds the offset, at a frame before it. */
  async #open(watermark: Watermark, damage: Damage[]): Promise<OpenSegment> {
    for (;;) {
      const bases = await this.#bases(watermark);
      const base = bases.findLast((candidate) => candidate <= this.#offset);
      if (base === undefined) {
        const earliest = bases[0] ?? watermark.offset;
        damage.push(removedRange(this.#directory, this.#offset, earliest));
        this.#offset = earliest;
        continue;
      }
      const file = await this.#openFile(base);
      // Retention was faster: look again which segments there are.
      if (file === undefined) continue;
      const end = base === watermark.segment ? watermark.position : await file.size();
      this.#position = base === this.#offset ? 0 : await seekFrame(file, base, end, this.#offset);
      this.#gap = undefined;
      this.#segment = { base, file };
      return this.#segment;
    }
  }

  async #openFile(base: number): Promise<DiskFile | undefined> {
    try {
      return await this.#disk.open(segmentPath(this.#directory, base), 'read');
    } catch (error) {
      if (toStorageError(error, 'open a segment').code === 'FILE_MISSING') return undefined;
      throw error;
    }
  }

  async #bases(watermark: Watermark): Promise<number[]> {
    const bases = await listSegments(this.#disk, this.#directory);
    return bases.filter((base) => base <= watermark.segment);
  }
}

/** What is reported when retention took records before they were read. */
export const removedRange = (directory: string, from: number, to: number): Damage => ({
  from,
  to,
  place: directory,
  reason: REMOVED,
  bytes: new Uint8Array(0),
});
