import { ending, runCommand, tailOf, withProgress } from './command.mjs';

/** What npm's error codes mean for the person at the keyboard; the first match wins. */
const ADVICE = [
  {
    codes: /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|ETIMEDOUT|ENOTCACHED|ERR_SOCKET_TIMEOUT)\b/,
    advice:
      'the package registry cannot be reached. Check the network connection and, behind a proxy, `npm config get registry` and `npm config get https-proxy`',
  },
  { codes: /\bENOSPC\b/, advice: 'the disk is full. Free at least 1 GB' },
  {
    codes: /\b(EACCES|EPERM)\b/,
    advice: 'files cannot be written. Check who owns this folder and npm’s cache (`npm config get cache`)',
  },
  { codes: /\bEINTEGRITY\b/, advice: 'a download does not match package-lock.json. Run `npm cache clean --force`' },
  {
    codes: /\bE40[13]\b/,
    advice: 'the package registry refuses access. Check `npm config get registry` and its token',
  },
];

/**
 * Installs what package-lock.json asks for, development tools and the pinned Node included.
 *
 * @param {string} root
 * @param {string} reason
 * @param {(line: string) => void} say
 * @throws {Error} with the end of npm's output and what to do
 */
export async function installPackages(root, reason, say) {
  say(`installing packages by package-lock.json (${reason}); this takes up to two minutes the first time`);
  const { result, seconds } = await withProgress('installing', say, () =>
    runNpm(root, ['ci', '--include=dev', '--include=optional', '--prefer-offline']),
  );
  if (result.code !== 0) throw new Error(failure(result.code, result.output));
  say(`packages installed in ${seconds} s`);
}

/**
 * @param {string} root
 * @param {string[]} args
 */
async function runNpm(root, args) {
  // The npm that started this script, when one did: its own Node, not the one inside node_modules that it will replace.
  const { npm_execpath: npm, npm_node_execpath: node } = process.env;
  const [command, prefix] = npm && node && /\.c?js$/.test(npm) ? [node, [npm]] : ['npm', []];
  try {
    // On Windows `npm` is a script that only a shell can start; the arguments are constants.
    const shell = command === 'npm' && process.platform === 'win32';
    return await runCommand(command, [...prefix, ...args], { cwd: root, shell });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`npm cannot be started (${reason}): install Node.js with npm from https://nodejs.org`, {
      cause: error,
    });
  }
}

/**
 * @param {number | null} code
 * @param {string} output
 */
export function failure(code, output) {
  const advice = ADVICE.find(({ codes }) => codes.test(output))?.advice ?? 'the lines above say why';
  return [
    `\`npm ci\` failed (${ending(code)}). The end of its output:`,
    ...tailOf(output, (line) => !line.startsWith('npm warn')),
    `What to do: ${advice}; then run the same command again.`,
  ].join('\n');
}
