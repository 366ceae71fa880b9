import { readdir, readFile, readlink } from 'node:fs/promises';

const LISTENING = '0A';

/**
 * The process that listens on a TCP port of this machine; undefined where there is none, and where its user does not
 * let us see. Linux only: from /proc.
 */
export async function listeningProcess(port: number): Promise<number | undefined> {
  const tables = await Promise.all(['tcp', 'tcp6'].map((name) => readFile(`/proc/net/${name}`, 'utf8').catch(none)));
  const sockets = new Set(tables.flatMap((table) => (table ?? '').split('\n').flatMap((line) => listener(line, port))));
  for (const pid of (await readdir('/proc')).map(Number).filter(Boolean)) {
    // Processes and their files come and go, and those of others are not shown.
    const files = (await readdir(`/proc/${pid}/fd`).catch(none)) ?? [];
    const links = await Promise.all(files.map((file) => readlink(`/proc/${pid}/fd/${file}`).catch(none)));
    if (links.some((link) => link !== undefined && sockets.has(link))) return pid;
  }
  return undefined;
}

/** Of one line of proc_net_tcp(5): the local address is `hex:hex`, the tenth field the inode. */
function listener(line: string, port: number): string[] {
  const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/);
  return state === LISTENING && Number.parseInt(local.split(':')[1] ?? '', 16) === port ? [`socket:[${inode}]`] : [];
}

const none = (): undefined => undefined;
