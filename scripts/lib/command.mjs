import { spawn } from 'node:child_process';

const PROGRESS_MS = 10_000;
const TAIL_LINES = 15;

/**
 * Runs a command to its end.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 * @returns {Promise<{ code: number | null, output: string }>} what it printed on both streams; no code when a signal ended it
 * @throws {Error} when it cannot be started
 */
export function runCommand(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
        output += text;
      });
    }
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

/**
 * Says every ten seconds that `work` goes on.
 *
 * @template T
 * @param {string} doing
 * @param {(line: string) => void} say
 * @param {() => Promise<T>} work
 * @returns {Promise<{ result: T, seconds: number }>} what `work` gave, and how long it took
 */
export async function withProgress(doing, say, work) {
  const started = performance.now();
  const seconds = () => Math.round((performance.now() - started) / 1000);
  const ticker = setInterval(() => say(`still ${doing}, ${seconds()} s`), PROGRESS_MS);
  try {
    return { result: await work(), seconds: seconds() };
  } finally {
    clearInterval(ticker);
  }
}

/**
 * The end of a command's output, indented, for a message.
 *
 * @param {string} output
 * @param {(line: string) => boolean} [isWorthIt]
 */
export function tailOf(output, isWorthIt = () => true) {
  return output
    .split('\n')
    .filter((line) => line.trim() !== '' && isWorthIt(line))
    .slice(-TAIL_LINES)
    .map((line) => `  ${line}`);
}

/** @param {number | null} code */
export function ending(code) {
  return code === null ? 'stopped by a signal' : `exit code ${code}`;
}
