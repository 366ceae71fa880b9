import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @typedef {object} LockedPackage
 * @property {string} [version]
 * @property {string} [integrity]
 * @property {string} [resolved]
 * @property {boolean} [optional]
 * @property {string | string[]} [os]
 * @property {string | string[]} [cpu]
 * @property {string[]} [libc]
 */

/**
 * How node_modules differs from what package-lock.json asks for on this platform; undefined when it does not. Compares
 * with the list that npm leaves in node_modules when it is done, so an `npm ci` by hand counts, and an interrupted one
 * does not.
 *
 * @param {string} root
 * @returns {string | undefined} the first difference, in words
 */
export function difference(root) {
  const listPath = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(listPath)) return 'no packages are installed yet';
  const wanted = packagesIn(join(root, 'package-lock.json'));
  const installed = packagesIn(listPath);
  for (const [path, entry] of Object.entries(wanted)) {
    if (!path.includes('node_modules/')) continue;
    const found = installed[path];
    if (found === undefined) {
      if (isNeeded(entry)) return `${path} is missing`;
    } else if (
      ['version', 'integrity', 'resolved'].some((key) => Reflect.get(entry, key) !== Reflect.get(found, key))
    ) {
      return `${path} is not the version that package-lock.json asks for`;
    }
  }
  const extra = Object.keys(installed).find((path) => wanted[path] === undefined);
  return extra === undefined ? undefined : `${extra} is installed but not asked for`;
}

/**
 * @param {string} path
 * @returns {Record<string, LockedPackage>}
 */
function packagesIn(path) {
  return JSON.parse(readFileSync(path, 'utf8')).packages;
}

/**
 * An optional package may rightly be absent unless it names this very platform. Which C library a platform has is
 * costly to find out, so a package that depends on it is not insisted on.
 *
 * @param {LockedPackage} entry
 */
function isNeeded(entry) {
  if (entry.optional !== true) return true;
  if (entry.os === undefined || entry.cpu === undefined || entry.libc !== undefined) return false;
  return [entry.os].flat().includes(process.platform) && [entry.cpu].flat().includes(process.arch);
}
