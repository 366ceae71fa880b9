import fs from 'node:fs';
import { dirname } from 'node:path';
import type { Disk, DiskFile } from './disk.ts';
import { StorageError, toStorageError } from './errors.ts';

/**
 * A write up to this size goes to the page cache on the calling thread: handing it to the thread pool costs more CPU
 * than the copy (about 8 us per group). Larger ones would hold up the event loop.
 */
const INLINE_WRITE_BYTES = 128 * 1024;

const FLAGS = { read: 'r', write: 'r+', create: 'wx+' } as const;

/** The file system of this machine. */
export function nodeDisk(): Disk {
  return {
    syncDirectory,
    open: async (path, mode) => {
      const fd = await call<number>(`open ${path}`, (done) => fs.open(path, FLAGS[mode], 0o600, done));
      return new NodeFile(path, fd);
    },
    rename: (from, to) => call(`rename ${from}`, (done) => fs.rename(from, to, done)),
    unlink: (path) => call(`remove ${path}`, (done) => fs.unlink(path, done)),
    list: (directory) => call<string[]>(`list ${directory}`, (done) => fs.readdir(directory, done)),
    mkdir: async (directory) => {
      try {
        await call(`create ${directory}`, (done) => fs.mkdir(directory, { mode: 0o700 }, done));
        await syncDirectory(dirname(directory));
      } catch (error) {
        if (toStorageError(error, directory).code !== 'FILE_EXISTS') throw error;
        const found = await call<fs.Stats>(`stat ${directory}`, (done) => fs.stat(directory, done));
        if (!found.isDirectory()) throw error;
      }
    },
  };
}

async function syncDirectory(directory: string): Promise<void> {
  // Windows has no handle to sync a directory by; NTFS journals its names.
  if (process.platform === 'win32') return;
  const fd = await call<number>(`open ${directory}`, (done) => fs.open(directory, 'r', done));
  try {
    await call(`sync ${directory}`, (done) => fs.fsync(fd, done));
  } finally {
    await call(`close ${directory}`, (done) => fs.close(fd, done));
  }
}

class NodeFile implements DiskFile {
  readonly path: string;
  #fd: number | undefined;

  constructor(path: string, fd: number) {
    this.path = path;
    this.#fd = fd;
  }

  async read(target: Uint8Array, length: number, position: number): Promise<number> {
    let done = 0;
    while (done < length) {
      const read = await call<number>(`read ${this.path}`, (settle) =>
        fs.read(this.#open(), target, done, length - done, position + done, settle),
      );
      if (read === 0) break;
      done += read;
    }
    return done;
  }

  async write(source: Uint8Array, length: number, position: number): Promise<void> {
    let done = 0;
    while (done < length) {
      if (length <= INLINE_WRITE_BYTES) {
        try {
          done += fs.writeSync(this.#open(), source, done, length - done, position + done);
        } catch (error) {
          throw toStorageError(error, `write ${this.path}`);
        }
      } else {
        done += await call<number>(`write ${this.path}`, (settle) =>
          fs.write(this.#open(), source, done, length - done, position + done, settle),
        );
      }
    }
  }

  sync(): Promise<void> {
    return call(`sync ${this.path}`, (done) => fs.fdatasync(this.#open(), done));
  }

  truncate(size: number): Promise<void> {
    return call(`truncate ${this.path}`, (done) => fs.ftruncate(this.#open(), size, done));
  }

  async size(): Promise<number> {
    const stats = await call<fs.Stats>(`stat ${this.path}`, (done) => fs.fstat(this.#open(), done));
    return stats.size;
  }

  async close(): Promise<void> {
    const fd = this.#fd;
    if (fd === undefined) return;
    this.#fd = undefined;
    await call(`close ${this.path}`, (done) => fs.close(fd, done));
  }

  #open(): number {
    if (this.#fd === undefined) throw new StorageError('CLOSED', `${this.path} is closed`);
    return this.#fd;
  }
}

/** One promise around a callback: node:fs/promises costs several objects more per call. */
function call<T = void>(
  doing: string,
  start: (done: (error: NodeJS.ErrnoException | null, result?: T) => void) => void,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    try {
      start((error, result) => {
        if (error === null || error === undefined) resolve(result as T);
        else reject(toStorageError(error, doing));
      });
    } catch (error) {
      reject(toStorageError(error, doing));
    }
  });
}
