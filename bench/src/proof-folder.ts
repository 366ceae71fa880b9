import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Proof } from './proof.ts';

/** The proofs of Millrace. */
export const PROOFS = join(import.meta.dirname, 'proofs');

/**
 * All proofs in a folder, by name: the files with `export const proof`. Others are parts of their neighbours.
 *
 * @throws Error when a proof is not named as its file, since then nobody would find it
 */
export async function proofsIn(folder: string): Promise<readonly Proof[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.ts')).toSorted();
  const proofs: Proof[] = [];
  for (const file of files) {
    // Looked for in the text, since a neighbour may be the main module of a child process: importing it would start it.
    if (!/^export const proof\b/m.test(await readFile(join(folder, file), 'utf8'))) continue;
    const module = (await import(pathToFileURL(join(folder, file)).href)) as { readonly proof: Proof };
    if (module.proof.name !== basename(file, '.ts')) {
      throw new Error(`${join(folder, file)} calls its proof "${module.proof.name}": name it as the file`);
    }
    proofs.push(module.proof);
  }
  return proofs;
}
