import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { makeDirectory } from '../src/make-directory.ts';

const made: string[] = [];
afterEach(async () => {
  for (const path of made.splice(0)) await rm(path, { recursive: true });
});

async function temporary(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'millrace-make-directory-'));
  made.push(path);
  return path;
}

describe('makeDirectory', () => {
  it('makes missing parents, with the mode, and does nothing to what is there', async () => {
    const parent = await temporary();
    const path = join(parent, 'a', 'b');
    await makeDirectory(path, 0o700);
    await makeDirectory(path);
    for (const each of [path, join(parent, 'a')]) expect((await stat(each)).mode & 0o777).toBe(0o700);
  });

  it('takes one that several make at once', async () => {
    const path = join(await temporary(), 'a', 'b', 'c');
    await Promise.all(Array.from({ length: 8 }, () => makeDirectory(path)));
    expect((await stat(path)).isDirectory()).toBe(true);
  });

  it.each(['file', 'file/below'])('is refused where %s is a file', async (name) => {
    const parent = await temporary();
    await writeFile(join(parent, 'file'), '');
    await expect(makeDirectory(join(parent, name))).rejects.toMatchObject({
      code: expect.stringMatching(/EEXIST|ENOTDIR/),
    });
  });

  it.runIf(process.platform === 'linux')(
    'is refused where nothing can be made, and does not try for ever',
    async () => {
      await expect(makeDirectory('/proc/millrace/data')).rejects.toMatchObject({ code: 'ENOENT' });
    },
  );
});
