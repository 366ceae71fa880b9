import { execFileSync } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';

/** CPU time that a process has used since its start, and its memory. */
export interface ProcessStats {
  /** User and system time of all its threads, also of those that have ended. Microseconds, in steps of a clock tick. */
  readonly cpuUs: number;
  readonly threads: readonly ThreadStats[];
  readonly memory: MemoryStats;
}

export interface MemoryStats {
  /** Resident memory, bytes. */
  readonly rss: number;
  /** The part of it that is no mapped file: heap, stacks, buffers. Bytes. */
  readonly anonymous: number;
}

export interface ThreadStats {
  readonly id: number;
  /** As the thread calls itself: `MainThread`, `V8Worker`, `libuv-worker`. */
  readonly name: string;
  readonly cpuUs: number;
}

/** Linux only: from /proc. @throws Error (ENOENT) when the process has ended */
export async function readProcessStats(pid: number): Promise<ProcessStats> {
  const [cpuUs, threads, memory] = await Promise.all([
    readFile(`/proc/${pid}/stat`, 'utf8').then(cpuOf),
    readThreads(pid),
    memoryOf(pid),
  ]);
  return { cpuUs, threads, memory };
}

/** @throws Error (ENOENT) when the process has ended */
export async function memoryOf(pid: number): Promise<MemoryStats> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return { rss: kilobytes(status, 'VmRSS'), anonymous: kilobytes(status, 'RssAnon') };
}

/** CPU time of the thread that a Node.js process runs its main program on. */
export function mainThreadCpuUs(pid: number, stats: ProcessStats): number {
  const main = stats.threads.find((thread) => thread.id === pid);
  if (main === undefined) throw new Error(`process ${pid} has no main thread`);
  return main.cpuUs;
}

async function readThreads(pid: number): Promise<ThreadStats[]> {
  const ids = await readdir(`/proc/${pid}/task`);
  const threads = await Promise.all(
    ids.map(async (id) => {
      // A thread may end at any time; its CPU time stays in that of the process.
      const stat = await readFile(`/proc/${pid}/task/${id}/stat`, 'utf8').catch(() => undefined);
      return stat === undefined ? [] : [{ id: Number(id), name: nameOf(stat), cpuUs: cpuOf(stat) }];
    }),
  );
  return threads.flat();
}

const nameOf = (stat: string): string => stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));

/** Fields 14 and 15 of proc_pid_stat(5); the name before them may hold blanks and brackets. */
function cpuOf(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * tickUs();
}

function kilobytes(status: string, field: string): number {
  const match = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status);
  if (match === null) throw new Error(`/proc/<pid>/status has no ${field}`);
  return Number(match[1]) * 1024;
}

let cachedTickUs: number | undefined;

function tickUs(): number {
  cachedTickUs ??= 1_000_000 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
  return cachedTickUs;
}
