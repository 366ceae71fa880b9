import { once } from 'node:events';
import {
  hasCode,
  type Batch,
  type Bounds,
  type ConsumeOptions,
  type Damage,
  type LogReader,
  type LogRecord,
  type Offset,
} from '@millrace/core';

/** A log in memory whose damage a test can choose. */
export class MemoryLog implements LogReader {
  readonly partitions = 2;
  readonly releases: { partition: number; below: Offset }[] = [];
  /** Partitions, in the order in which `start` was asked. */
  readonly starts: number[] = [];
  /** How often `handle` rejected with COMMIT_GAP. */
  gaps = 0;
  private revocationMs: number | undefined;
  private readonly records: LogRecord[][] = [[], []];
  private readonly appended = new EventTarget();
  private damage: Damage[] = [];
  private next = 0;

  append(partition: number, key: string | undefined, value: Uint8Array, timestamp = 1000): Offset {
    const offset = this.next++;
    this.records[partition]?.push({ offset, timestamp, key, value });
    this.appended.dispatchEvent(new Event('append'));
    return offset;
  }

  /** The next offsets are damaged. */
  addDamage(count: number): Damage {
    const damage = {
      from: this.next,
      to: this.next + count,
      place: 'memory',
      reason: 'a test did it',
      bytes: Buffer.from('broken'),
    };
    this.next += count;
    this.damage.push(damage);
    return damage;
  }

  async bounds(): Promise<Bounds> {
    return { earliest: 0, next: this.next };
  }

  async read(partition: number, from: Offset): Promise<Batch> {
    const damage = partition === 0 ? this.damage.filter((one) => one.from >= from) : [];
    const records = (this.records[partition] ?? []).filter(({ offset }) => offset >= from);
    return { partition, from, to: this.next, records, damage };
  }

  /** The first `handle` is told after so long that its partitions are wanted back. */
  revokeAfter(ms: number): void {
    this.revocationMs = ms;
  }

  async consume(group: string, options: ConsumeOptions): Promise<void> {
    const { signal } = options;
    try {
      await this.consumeFromStart(options);
    } catch (error) {
      if (!hasCode(error, 'COMMIT_GAP')) throw error;
      this.gaps++;
      this.revocationMs = undefined;
      if (!signal.aborted) await this.consume(group, options);
    }
  }

  private async consumeFromStart(options: ConsumeOptions): Promise<void> {
    const { signal } = options;
    const positions: number[] = [];
    for (const partition of [0, 1]) {
      this.starts.push(partition);
      const position = await options.start(partition);
      positions[partition] = typeof position === 'number' ? position : 0;
    }
    while (!signal.aborted) {
      const revoked = this.revocationMs === undefined ? signal : AbortSignal.timeout(this.revocationMs);
      const batches = await Promise.all(positions.map((from, partition) => this.read(partition, from)));
      if (batches.some(({ from, to }) => to > from)) await options.handle(batches, revoked);
      for (const { partition, to } of batches) positions[partition] = to;
      if (positions[0] === this.next && !signal.aborted)
        await Promise.race([once(this.appended, 'append'), once(signal, 'abort')]);
    }
  }

  async release(_group: string, partition: number, below: Offset): Promise<void> {
    this.releases.push({ partition, below });
  }

  async close(): Promise<void> {}
}
