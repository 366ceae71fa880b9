import { existsSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { ROOMS, TEST_ROOMS } from './rooms.mjs';

/**
 * Holds every import, static or dynamic, against the table of rooms and against the package.json of its package.
 */
export const imports = {
  meta: { type: 'problem', docs: { description: 'who may import whom' }, schema: [] },
  /** @param {{ filename: string, report(problem: { node: unknown, message: string }): void }} context */
  create(context) {
    const workspace = workspaceOf(context.filename);
    if (workspace === undefined) return {};
    const check = (/** @type {{ source?: { type: string, value?: unknown } | null }} */ node) => {
      if (typeof node.source?.value !== 'string') return;
      const message = problemWith(node.source.value, context.filename, workspace);
      if (message !== undefined) context.report({ node: node.source, message });
    };
    return {
      ImportDeclaration: check,
      ImportExpression: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
    };
  },
};

/**
 * @typedef {object} Workspace
 * @property {string} root the repository
 * @property {string} path the workspace's folder
 * @property {string} room the same, relative to the root, with slashes
 */

/**
 * @param {string} source what is imported
 * @param {string} file who imports it
 * @param {Workspace} workspace
 * @returns {string | undefined}
 */
function problemWith(source, file, workspace) {
  const room = ROOMS.find(({ folder }) => folder.test(workspace.room));
  if (room === undefined)
    return `"${workspace.room}" has no line in scripts/lint/rooms.mjs: say there what it may import`;
  if (source.startsWith('.')) {
    const inside = resolve(dirname(file), source).startsWith(workspace.path + sep);
    return inside ? undefined : `"${source}" leaves ${workspace.room}: import the package by its name`;
  }
  if (source.startsWith('node:')) return undefined;
  if (isBuiltin(source)) return `write "node:${source}"`;

  const name = source.split('/', source.startsWith('@') ? 2 : 1).join('/');
  const isTest = relative(workspace.path, file).startsWith(`test${sep}`);
  const target = roomOfPackage(name, workspace.root);
  // Tests may see their package as its users do.
  if (target === workspace.room) return isTest ? undefined : `"${source}" is this package itself: import the file`;
  if (target !== undefined) {
    if (isTest && TEST_ROOMS.test(target)) return undefined;
    if (!room.mayImport.test(target)) return `${workspace.room} may not import ${target}: ${room.because}`;
  }
  if (declares(workspace.path, name, isTest ? USED_BY_TESTS : USED)) return undefined;
  if ((isTest || workspace.room === 'scripts') && declares(workspace.root, name, SHARED_BY_TESTS)) return undefined;
  return `"${name}" is not among the dependencies in ${workspace.room}/package.json`;
}

/**
 * A peer is a package that the user may bring, such as a database's client.
 *
 * @type {readonly List[]}
 */
const USED = ['dependencies', 'peerDependencies'];

/** @type {readonly List[]} */
const USED_BY_TESTS = [...USED, 'devDependencies'];

/**
 * Optional: installed only where the platform has it.
 *
 * @type {readonly List[]}
 */
const SHARED_BY_TESTS = ['devDependencies', 'optionalDependencies'];

/**
 * The workspace that a file belongs to: the nearest folder with a package.json, or `scripts`.
 *
 * @param {string} file
 * @returns {Workspace | undefined} undefined for files of the repository itself
 */
function workspaceOf(file) {
  let path = dirname(file);
  while (!existsSync(join(path, 'package.json')) && dirname(path) !== path) path = dirname(path);
  let root = path;
  while (!existsSync(join(root, 'package-lock.json')) && dirname(root) !== root) root = dirname(root);
  if (path === root) {
    if (!file.startsWith(join(root, 'scripts') + sep)) return undefined;
    path = join(root, 'scripts');
  }
  return { root, path, room: relative(root, path).split(sep).join('/') };
}

/**
 * @param {string} name
 * @param {string} root
 * @returns {string | undefined} undefined for packages that are not ours
 */
function roomOfPackage(name, root) {
  const entry = manifest(root, 'package-lock.json').packages?.[`node_modules/${name}`];
  return entry?.link === true ? entry.resolved : undefined;
}

/**
 * @param {string} folder
 * @param {string} name
 * @param {readonly List[]} lists
 */
function declares(folder, name, lists) {
  const file = manifest(folder, 'package.json');
  return lists.some((list) => file[list]?.[name] !== undefined);
}

/** @typedef {'dependencies' | 'devDependencies' | 'peerDependencies' | 'optionalDependencies'} List */

/**
 * @typedef {object} Manifest the parts of package.json and package-lock.json that matter here
 * @property {Record<string, string>} [dependencies]
 * @property {Record<string, string>} [devDependencies]
 * @property {Record<string, string>} [peerDependencies]
 * @property {Record<string, string>} [optionalDependencies]
 * @property {Record<string, { link?: boolean, resolved?: string }>} [packages]
 */

/** @type {Map<string, Manifest>} */
const manifests = new Map();

/**
 * A lint run reads each manifest once.
 *
 * @param {string} folder
 * @param {string} name
 * @returns {Manifest}
 */
function manifest(folder, name) {
  const path = join(folder, name);
  let found = manifests.get(path);
  if (found === undefined) {
    found = /** @type {Manifest} */ (existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {});
    manifests.set(path, found);
  }
  return found;
}
