import { join } from 'node:path';
import { MillraceError } from '@millrace/core';
import { readSmallFile, replaceFile, type Disk } from '@millrace/storage';

interface GroupsFile {
  readonly format: 1;
  /** Group -> per partition, the offset below which it will not ask again; 0 until it says so. */
  readonly groups: Readonly<Record<string, readonly number[]>>;
}

/** The consumer groups of a log: who is consuming, and what each has released. Kept in `groups.json`. */
export class Groups {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #partitions: number;
  readonly #released: Map<string, number[]>;
  readonly #active = new Set<string>();
  #saving: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  private constructor(disk: Disk, path: string, partitions: number, released: Map<string, number[]>) {
    this.#disk = disk;
    this.#path = path;
    this.#partitions = partitions;
    this.#released = released;
  }

  static async open(disk: Disk, directory: string, partitions: number): Promise<Groups> {
    const path = join(directory, 'groups.json');
    const content = await readSmallFile(disk, path);
    const groups = content === undefined ? {} : parse(content, path);
    return new Groups(disk, path, partitions, new Map(Object.entries(groups).map(([name, at]) => [name, [...at]])));
  }

  /** Registers the group and takes it for one consumer. @throws GROUP_BUSY */
  async join(group: string): Promise<void> {
    if (this.#active.has(group)) {
      throw new MillraceError('GROUP_BUSY', `the group "${group}" has a consumer already: stop it first`, {
        field: 'group',
        value: group,
      });
    }
    this.#active.add(group);
    try {
      // Before anything is read: from here on retention must spare what the group has not released.
      if (this.#register(group)) await this.#save();
    } catch (error) {
      this.#active.delete(group);
      throw error;
    }
  }

  leave(group: string): void {
    this.#active.delete(group);
  }

  /** Counts at once; resolves when it would survive a power loss, with whether there was anything to save. */
  async release(group: string, partition: number, below: number): Promise<boolean> {
    const isNew = this.#register(group);
    const released = this.#released.get(group)!;
    if (below <= released[partition]! && !isNew) return false;
    released[partition] = Math.max(released[partition]!, below);
    await this.#save();
    return true;
  }

  /** No group needs an offset below this; Infinity when there are no groups. */
  lowest(): number {
    return Math.min(...[...this.#released.values()].flat());
  }

  /** Groups that still need an offset below this one. */
  holding(below: number): string[] {
    return [...this.#released].filter(([, released]) => Math.min(...released) < below).map(([group]) => group);
  }

  /** Waits for what is being saved; whoever asked for it has been told if that failed. */
  async close(): Promise<void> {
    await Promise.allSettled([this.#next ?? this.#saving]);
  }

  #register(group: string): boolean {
    if (this.#released.has(group)) return false;
    this.#released.set(
      group,
      Array.from({ length: this.#partitions }, () => 0),
    );
    return true;
  }

  /** One write at a time; calls that come meanwhile share the next one. */
  #save(): Promise<void> {
    if (this.#next !== undefined) return this.#next;
    const before = this.#saving ?? Promise.resolve();
    const run = before
      .catch(() => undefined)
      .then(() => {
        this.#saving = run;
        this.#next = undefined;
        const file: GroupsFile = { format: 1, groups: Object.fromEntries(this.#released) };
        return replaceFile(this.#disk, this.#path, Buffer.from(`${JSON.stringify(file, null, 2)}\n`));
      });
    this.#next = run;
    return run;
  }
}

function parse(content: Buffer, path: string): GroupsFile['groups'] {
  try {
    return (JSON.parse(content.toString()) as GroupsFile).groups;
  } catch (error) {
    throw new MillraceError(
      'LOG_CORRUPT',
      `${path} is unreadable: repair it, or remove it and let every consumer catch up before retention runs`,
      { cause: error },
    );
  }
}
