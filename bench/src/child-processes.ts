import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Process ids of the children that a process has now. */
export async function childrenOf(pid: number): Promise<number[]> {
  try {
    const { stdout } = await promisify(execFile)('ps', ['-o', 'pid=', '--ppid', String(pid)]);
    return stdout.split('\n').map(Number).filter(Boolean);
  } catch (error) {
    // `ps` ends with 1 when there is none.
    if ((error as { code?: unknown }).code === 1) return [];
    throw error;
  }
}
