/** Disks write whole sectors or nothing of them. */
export const SECTOR_BYTES = 512;

/** Bytes of a simulated file: as programs see them, and as a power cut would leave them at least. */
export class SimulatedInode {
  #current: Buffer = Buffer.alloc(0);
  #durable: Buffer = Buffer.alloc(0);
  /** Sectors whose current bytes may differ from the durable ones. */
  readonly #dirty = new Set<number>();
  size = 0;
  #durableSize = 0;

  read(target: Uint8Array, length: number, position: number): number {
    const end = Math.min(this.size, position + length);
    if (end <= position) return 0;
    target.set(this.#current.subarray(position, end));
    return end - position;
  }

  write(source: Uint8Array, length: number, position: number): void {
    const end = position + length;
    this.#current = withRoom(this.#current, end);
    this.#current.set(source.subarray(0, length), position);
    this.#touch(position, end);
    this.size = Math.max(this.size, end);
  }

  truncate(size: number): void {
    this.#current = withRoom(this.#current, size);
    this.#touch(Math.min(size, this.size), Math.max(size, this.size));
    this.#current.fill(0, size);
    this.size = size;
  }

  sync(): void {
    this.#durable = withRoom(this.#durable, this.size);
    for (const sector of this.#dirty) this.#keep(sector);
    this.#durableSize = this.size;
    this.#dirty.clear();
  }

  /** What Linux does after a failed fdatasync: the pages count as clean, the bytes never arrive. */
  forgetDirty(): void {
    this.#dirty.clear();
  }

  flipBit(position: number, bit: number): void {
    for (const bytes of [this.#current, this.#durable]) {
      if (position < bytes.length) bytes[position] = bytes[position]! ^ (1 << bit);
    }
  }

  /** Any subset of the unsynced sectors survives, and the size is any that the file had to have for them. */
  powerCut(random: () => number): void {
    this.#durable = withRoom(this.#durable, this.size);
    let size = random() < 0.5 ? this.#durableSize : this.size;
    for (const sector of this.#dirty) {
      if (random() < 0.5) continue;
      this.#keep(sector);
      if (this.size > this.#durableSize) size = Math.max(size, Math.min(this.size, (sector + 1) * SECTOR_BYTES));
    }
    this.#durable.fill(0, size);
    this.#durableSize = size;
    this.#current = Buffer.from(this.#durable);
    this.size = size;
    this.#dirty.clear();
  }

  #keep(sector: number): void {
    const from = sector * SECTOR_BYTES;
    // A sector that was written and cut off again before it was ever durable.
    if (from >= this.#durable.length) return;
    this.#durable.set(this.#current.subarray(from, Math.min(from + SECTOR_BYTES, this.#durable.length)), from);
  }

  #touch(from: number, to: number): void {
    for (let sector = Math.floor(from / SECTOR_BYTES); sector * SECTOR_BYTES < to; sector++) this.#dirty.add(sector);
  }
}

/** The buffer, or a longer copy with zeros behind it. */
function withRoom(buffer: Buffer, size: number): Buffer {
  if (size <= buffer.length) return buffer;
  const grown = Buffer.alloc(Math.max(size, buffer.length * 2, SECTOR_BYTES));
  buffer.copy(grown);
  return grown;
}
