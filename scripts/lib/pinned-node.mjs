import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';

/**
 * Checks that npm scripts will run on a Node that can run Millrace: the one pinned in package.json, or else the one
 * that runs now.
 *
 * @param {string} root
 * @param {{ execPath: string, version: string, platform: string, arch: string }} [running]
 * @returns {{ message: string, canFallBack: boolean } | undefined} undefined when the pinned Node runs
 */
export function nodeProblem(root, running = process) {
  const modules = join(root, 'node_modules');
  // Running on the pinned Node is proof enough that it runs, and spares every later start a process.
  if (running.execPath.startsWith(modules + sep)) return undefined;
  const windows = running.platform === 'win32';
  const pinned = join(modules, '.bin', windows ? 'node.cmd' : 'node');
  if (existsSync(pinned) && spawnSync(`"${pinned}" --version`, { shell: true }).status === 0) return undefined;

  const oldest = oldestNode(root);
  const canFallBack = compareVersions(running.version.replace(/^v/, ''), oldest) >= 0;
  const cause = `the pinned Node.js does not run on ${running.platform} ${running.arch}`;
  return {
    canFallBack,
    message: canFallBack
      ? `${cause}: using Node.js ${running.version} instead`
      : `${cause}, and Node.js ${running.version} is too old: install Node.js ${oldest} or later (https://nodejs.org), then run the same command again`,
  };
}

/** The packages' own lower bound, kept in one place: engines of core. @param {string} root */
function oldestNode(root) {
  const { engines } = JSON.parse(readFileSync(join(root, 'core', 'package.json'), 'utf8'));
  return engines.node.replace(/^>=/, '');
}

/**
 * @param {string} left
 * @param {string} right
 */
function compareVersions(left, right) {
  const [ours, theirs] = [left, right].map((version) => version.split('.').map(Number));
  for (let i = 0; i < 3; i++) {
    const by = (ours?.[i] ?? 0) - (theirs?.[i] ?? 0);
    if (by !== 0) return by;
  }
  return 0;
}
