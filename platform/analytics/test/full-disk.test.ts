import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { caughtUp, queryOf, sendTags, startMillrace, TagOracle, type MillraceProcess } from '@millrace/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';

const DISK = '96m';
const LEFT_BYTES = 2 * 1024 * 1024;

let mountPoint: string;
let isMounted = false;
let millrace: MillraceProcess | undefined;

beforeAll(async () => {
  mountPoint = await mkdtemp(join(tmpdir(), 'millrace-full-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK}`, 'millrace-test', mountPoint], { stdio: 'pipe' });
    isMounted = true;
  } catch (error) {
    process.stderr.write(`the test of a full disk is skipped, it must be able to mount a tmpfs: ${String(error)}\n`);
  }
});

afterAll(async () => {
  await millrace?.kill();
  if (isMounted) execFileSync('umount', [mountPoint]);
  await rm(mountPoint, { recursive: true });
});

/** Leaves about so much room on the disk. */
async function fill(path: string): Promise<void> {
  const { bavail, bsize } = await statfs(mountPoint);
  await writeFile(path, Buffer.alloc(bavail * bsize - LEFT_BYTES));
}

/** A few small tags may still fit where larger batches did not. */
async function sendUntilRefused(url: string, oracle: TagOracle): Promise<Response> {
  for (;;) {
    const tags = oracle.take(1);
    const response = await fetch(new URL('/user_tags', url), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: tags[0]!.json,
    });
    if (response.status !== 204) return response;
    oracle.acknowledge(tags);
  }
}

it('refuses tags while the disk is full, loses none that it took, and goes on by itself once there is room', async ({
  skip,
}) => {
  if (!isMounted) skip('no tmpfs can be mounted');
  millrace = await startMillrace({ dataDirectory: join(mountPoint, 'data') });
  const { url } = millrace;
  const oracle = new TagOracle();
  const filler = join(mountPoint, 'filler');

  await fill(filler);
  const sending = { url, oracle, connections: 4, batchConnections: 1 };
  // Each connection ends with its first refusal.
  const full = await sendTags({ ...sending, signal: new AbortController().signal });
  expect(oracle.acknowledged).toBeGreaterThan(0);
  expect(full.failures).toHaveLength(5);
  for (const failure of full.failures) expect(failure).toContain('LOG_FULL');
  // A second after a refusal the log may be tried again, and is ready so far: on a busy machine the question comes later.
  await expect
    .poll(async () => {
      const refused = await sendUntilRefused(url, oracle);
      expect(refused.status).toBe(503);
      expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
      expect(await refused.json()).toMatchObject({
        error: { code: 'LOG_FULL', message: expect.stringContaining('full') },
      });
      const ready = await fetch(new URL('/ready', url));
      return { status: ready.status, body: await ready.json() };
    })
    .toMatchObject({
      status: 503,
      body: { ready: false, reasons: expect.arrayContaining(['the log takes no records']) },
    });
  // The state's disk is full as well: its writer ends, and cannot start before there is room.
  await expect.poll(() => millrace?.output()).toContain('the state cannot be written yet');
  // Queries are answered all the same.
  await queryOf(url)('/user_profiles/c-0?time_range=2022-02-22T12:00_2022-02-22T13:00');

  await rm(filler);
  await expect.poll(async () => (await fetch(new URL('/ready', url))).status).toBe(200);
  const before = oracle.acknowledged;
  const again = await sendTags({ ...sending, signal: AbortSignal.timeout(500) });
  expect(again.failures).toEqual([]);
  expect(oracle.acknowledged).toBeGreaterThan(before);
  await caughtUp(url);
  expect((await oracle.compare(queryOf(url))).mismatches).toEqual([]);
  // Said once per outage, however often it was tried.
  const said = (line: string): number => millrace!.output().split(line).length - 1;
  await expect.poll(() => said('the state can be written again')).toBe(said('the state cannot be written yet'));
  // And all of it is on disk.
  expect((await millrace.stop()).code).toBe(0);
  millrace = await startMillrace({ dataDirectory: join(mountPoint, 'data') });
  expect((await oracle.compare(queryOf(millrace.url))).mismatches).toEqual([]);
});
