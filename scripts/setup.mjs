// Makes a checkout ready to run: `npm start` and `npm test` call it first, the latter with `--servers` for the servers
// that tests start. Plain JavaScript for any Node >= 20, because it runs before anything is installed, and only what Node
// itself brings.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { difference } from './lib/installed.mjs';
import { installPackages } from './lib/npm.mjs';
import { nodeProblem } from './lib/pinned-node.mjs';
import { hasServers, installServers } from './lib/servers.mjs';
import { withLock } from './lib/setup-lock.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const lock = join(root, '.cache', 'setup.lock');

async function setup() {
  if (difference(root) !== undefined) {
    await withLock(lock, say, async () => {
      // Asked again: another setup may have done it while this one waited.
      const reason = difference(root);
      if (reason === undefined) return;
      await installPackages(root, reason, say);
      const left = difference(root);
      if (left !== undefined)
        throw new Error(`npm ended well, but ${left}: run \`npm install\` and look at what it changes`);
    });
  }
  const problem = nodeProblem(root);
  if (problem !== undefined) fallBack(problem);
  if (process.argv.includes('--servers') && !hasServers(root)) {
    await withLock(lock, say, () => installServers(root, say));
  }
}

/** @param {{ message: string, canFallBack: boolean }} problem */
function fallBack(problem) {
  if (!problem.canFallBack) throw new Error(problem.message);
  // npm puts node_modules/.bin first on the PATH: a Node there that does not run would hide the one that does.
  for (const name of ['node', 'node.cmd', 'node.ps1']) {
    rmSync(join(root, 'node_modules', '.bin', name), { force: true });
  }
  say(problem.message);
}

/** @param {string} line */
function say(line) {
  process.stdout.write(`setup: ${line}\n`);
}

try {
  await setup();
} catch (error) {
  process.stderr.write(`setup: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
