import { mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const HEARTBEAT_MS = 5_000;
const STALE_MS = 60_000;

/**
 * Runs `work` while holding a lock directory, so that two setups of one checkout take turns. A lock whose holder is
 * gone, or has not touched it for a minute, is taken over.
 *
 * @param {string} path
 * @param {(line: string) => void} say
 * @param {() => Promise<void>} work
 */
export async function withLock(path, say, work) {
  mkdirSync(dirname(path), { recursive: true });
  let waited = false;
  while (!acquire(path)) {
    if (isStale(path)) {
      takeAway(path);
      continue;
    }
    if (!waited) say('another setup of this checkout is running, waiting for it');
    waited = true;
    await sleep(500);
  }
  const heartbeat = setInterval(() => utimesSync(path, new Date(), new Date()), HEARTBEAT_MS);
  try {
    await work();
  } finally {
    clearInterval(heartbeat);
    rmSync(path, { recursive: true, force: true });
  }
}

/** @param {string} path */
function acquire(path) {
  try {
    mkdirSync(path);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
  writeFileSync(join(path, 'pid'), String(process.pid));
  return true;
}

/** @param {string} path */
function isStale(path) {
  try {
    if (Date.now() - statSync(path).mtimeMs > STALE_MS) return true;
    process.kill(Number(readFileSync(join(path, 'pid'), 'utf8')), 0);
    return false;
  } catch (error) {
    // ENOENT: the lock was released, or its holder is just about to write its pid. EPERM: alive, someone else's.
    return codeOf(error) === 'ESRCH';
  }
}

/** Renaming lets only one of several waiters remove a stale lock. @param {string} path */
function takeAway(path) {
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw error;
  }
  rmSync(aside, { recursive: true, force: true });
}

/** @param {unknown} error */
function codeOf(error) {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
