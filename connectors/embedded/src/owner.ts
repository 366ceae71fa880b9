import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import { readIfPresent, replaceFile } from './files.ts';

/** The running platform that a data directory belongs to: how commands on the same machine find it. */
export interface Owner {
  readonly pid: number;
  /** Where its HTTP interface answers, such as `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Lets commands of the same user use `/admin/*`. */
  readonly adminToken: string;
}

const fileOf = (directory: string): string => join(directory, 'owner.json');

/** Announces a running platform. Only the user who runs it can read the file, because of the token. */
export async function writeOwner(directory: string, owner: Owner): Promise<void> {
  await replaceFile(fileOf(directory), `${JSON.stringify(owner)}\n`, 0o600);
}

/** The platform that runs on the directory; undefined when none was announced or its process is gone. */
export async function readOwner(directory: string): Promise<Owner | undefined> {
  const text = await readIfPresent(fileOf(directory));
  const owner = text === undefined ? undefined : parse(text);
  return owner !== undefined && isAlive(owner.pid) ? owner : undefined;
}

/** Takes back what this process announced; an announcement of another process stays. */
export async function removeOwner(directory: string): Promise<void> {
  const text = await readIfPresent(fileOf(directory));
  if (text !== undefined && parse(text)?.pid === process.pid) await rm(fileOf(directory), { force: true });
}

/** Whether a process with this id runs. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, as another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function parse(text: string): Owner | undefined {
  let value: Partial<Owner> | null;
  try {
    value = JSON.parse(text) as Partial<Owner> | null;
  } catch (error) {
    // Written by hand or by something else: as good as absent. Anything but a syntax error is a real fault.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  if (typeof value?.pid !== 'number' || value.pid <= 0 || typeof value.url !== 'string') return undefined;
  return { pid: value.pid, url: value.url, startedAt: value.startedAt ?? 0, adminToken: value.adminToken ?? '' };
}
