import { readdirSync, statSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readSmallFile, SimulatedDisk } from '@millrace/storage';

/**
 * What a power cut does to LevelDB's own files. They are real ones, so what was not synced has to be taken from them
 * afterwards: a commit is a write to the newest `.log` file and a sync of it, and until the sync any part of the write
 * may be lost. Tables and the manifest are synced before LevelDB relies on them.
 *
 * That a commit resolves only after such a sync is not assumed here but tested, by the system calls:
 * connectors/embedded/test/state/synced-commits.test.ts.
 */
export class UnsyncedState {
  readonly #directory: string;
  readonly #synced = new Map<string, number>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** To be called while every commit is synced and none is under way. */
  mark(): void {
    this.#synced.clear();
    for (const name of this.#logs()) this.#synced.set(name, statSync(join(this.#directory, name)).size);
  }

  /**
   * Loses any part of what was written since {@link mark}, by the rules of the simulated disk. The database must be closed.
   *
   * @returns how many bytes were at stake
   */
  async powerCut(random: () => number): Promise<number> {
    let atStake = 0;
    for (const name of this.#logs()) {
      const path = join(this.#directory, name);
      const content = await readFile(path);
      const synced = this.#synced.get(name) ?? 0;
      if (content.length === synced) continue;
      atStake += content.length - synced;
      await writeFile(path, await afterPowerCut(content, synced, random));
    }
    return atStake;
  }

  #logs(): string[] {
    return readdirSync(this.#directory).filter((name) => name.endsWith('.log'));
  }
}

/** The file after a power cut at which its first `synced` bytes were durable. */
async function afterPowerCut(content: Buffer, synced: number, random: () => number): Promise<Buffer> {
  const disk = new SimulatedDisk();
  const file = await disk.open('/state.log', 'create');
  await disk.syncDirectory('/');
  await file.write(content, synced, 0);
  await file.sync();
  await file.write(content.subarray(synced), content.length - synced, synced);
  disk.powerCut(random);
  return (await readSmallFile(disk, '/state.log'))!;
}
