import { execFile, spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { expect, it } from 'vitest';

import { temporaryDirectory } from '../fixtures.ts';

const PROGRAM = fileURLToPath(new URL('commit-and-tell.ts', import.meta.url));
const TRACED = 'write,writev,pwrite64,fdatasync,fsync';

/** Not all containers let a process trace another one. */
const canTrace = spawnSync('strace', ['-f', '-e', 'trace=none', process.execPath, '--version']).status === 0;
if (!canTrace) process.stderr.write('a test is skipped, strace is absent or forbidden here (apt-get install strace)\n');

it.skipIf(!canTrace)('a commit resolves after LevelDB has synced all that it wrote to its logs', async () => {
  const directory = join(await temporaryDirectory(), 'state');
  const trace = join(await temporaryDirectory(), 'trace');
  // -y: the path of each descriptor; -s 16: no more of what is written.
  const strace = ['-f', '-y', '-s', '16', '-e', `trace=${TRACED}`, '-o', trace];
  await promisify(execFile)('strace', [...strace, process.execPath, PROGRAM, directory]);
  const { logs, commits, unsynced } = readTrace(await readFile(trace, 'utf8'));
  expect(commits).toBeGreaterThan(0);
  expect(logs.size).toBeGreaterThan(1);
  expect(unsynced).toEqual([]);
});

/** `<thread> <call>(<descriptor><<path>>, ...`, or how an interrupted line goes on: `<thread> <... <call> resumed>`. */
const CALL = /^(\d+) +(\w+)\(\d+<([^>]*)>(?:, "(committed \d+))?/;
const RESUMED = /^(\d+) +<\.\.\. (\w+) resumed>/;

/** Follows which of LevelDB's log files have writes that no sync has made durable. */
function readTrace(trace: string) {
  const dirty = new Set<string>();
  const syncing = new Map<string, string>();
  const logs = new Set<string>();
  const unsynced: string[] = [];
  let commits = 0;
  for (const line of trace.split('\n')) {
    const [, thread = '', call = '', path = '', committed] = CALL.exec(line) ?? RESUMED.exec(line) ?? [];
    const isSync = call.endsWith('sync');
    const isLog = path.endsWith('.log');
    if (committed !== undefined) {
      commits++;
      for (const log of dirty) unsynced.push(`${committed} before ${basename(log)} was synced`);
    } else if (isLog && !isSync) {
      logs.add(path);
      dirty.add(path);
      // What is written while a sync runs is not part of it.
      for (const [thread, synced] of syncing) if (synced === path) syncing.delete(thread);
    } else if (isLog && line.endsWith('<unfinished ...>')) {
      syncing.set(thread, path);
    } else if (isLog) {
      dirty.delete(path);
    } else if (isSync && line.includes('resumed')) {
      dirty.delete(syncing.get(thread) ?? '');
      syncing.delete(thread);
    }
  }
  return { logs, commits, unsynced };
}
