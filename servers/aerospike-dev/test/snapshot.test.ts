import { startAerospikeDev } from '@millrace/aerospike-dev';
import Aerospike from 'aerospike';
import { mkdir, mkdtemp, readFile, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { numbers } from './people.ts';
import { clientKey, connect } from './with-client.ts';

describe('a snapshot', () => {
  let directory: string;
  let snapshot: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'aerospike-dev-'));
    snapshot = join(directory, 'records.snapshot');
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('keeps records, TTLs, generations and indexes over a restart', async () => {
    const first = await startAerospikeDev({ port: 0, snapshot });
    const writer = await connect(first);
    await Promise.all([48, 49].map((n) => writer.put(clientKey('test', 'kept', n), { n })));
    await writer.put(clientKey('test', 'kept', 'mortal'), { n: 50 }, { ttl: 1000 });
    await writer.put(clientKey('test', 'kept', 'mortal'), { n: 50 }, { ttl: 1000 });
    const datatype = Aerospike.indexDataType.NUMERIC;
    await writer.createIndex({ ns: 'test', set: 'kept', bin: 'n', index: 'kept-n', datatype });
    writer.close(false);
    await first.stop();

    const second = await startAerospikeDev({ port: 0, snapshot });
    const reader = await connect(second);
    const filters = [Aerospike.filter.range('n', 48, 50)];
    const found = await reader.query('test', 'kept', { filters }).results();
    expect(numbers(found)).toEqual([48, 49, 50]);
    const { ttl, gen } = await reader.get(clientKey('test', 'kept', 'mortal'));
    expect(ttl).toBeGreaterThan(900);
    expect(gen).toBe(2);
    reader.close(false);
    await second.stop();
    expect(await readdir(directory)).toEqual(['records.snapshot']);
  });

  it('is what it was before when the next one cannot be written', async () => {
    const server = await startAerospikeDev({ port: 0, snapshot });
    await server.saveSnapshot();
    const before = await readFile(snapshot);
    // A directory in the place of the unfinished file stands for a disk that takes no more.
    await mkdir(`${snapshot}.new`);
    const refused = {
      code: 'INVALID_OPTION',
      message: expect.stringContaining(`cannot write the snapshot ${snapshot}`),
    };
    await expect(server.saveSnapshot()).rejects.toMatchObject(refused);
    await expect(server.stop()).rejects.toMatchObject(refused);
    expect(await readFile(snapshot)).toEqual(before);
  });

  it('is refused at start where it could not be written', async () => {
    const nowhere = join(directory, 'missing', 'records.snapshot');
    await expect(startAerospikeDev({ port: 0, snapshot: nowhere })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: `cannot write the snapshot ${nowhere}: there is no directory ${join(directory, 'missing')}, make it first`,
    });
    await expect(startAerospikeDev({ port: 0, snapshot: directory })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining('is a directory'),
    });
  });

  it('is refused when the file is something else, cut short or changed', async () => {
    const refused = {
      code: 'INVALID_OPTION',
      message: `${snapshot} is no snapshot of this aerospike-dev, or damaged: name another file, or remove it`,
    };
    await writeFile(snapshot, 'something else');
    await expect(startAerospikeDev({ port: 0, snapshot })).rejects.toMatchObject(refused);
    await rm(snapshot);

    const server = await startAerospikeDev({ port: 0, snapshot });
    const client = await connect(server);
    await client.put(clientKey('test', 'demo', 'a'), { blob: Buffer.alloc(1000) });
    client.close(false);
    await server.stop();
    const whole = await readFile(snapshot);
    await truncate(snapshot, whole.length - 1);
    await expect(startAerospikeDev({ port: 0, snapshot })).rejects.toMatchObject(refused);
    whole[whole.length - 500]! ^= 1;
    await writeFile(snapshot, whole);
    await expect(startAerospikeDev({ port: 0, snapshot })).rejects.toMatchObject(refused);
  });
});
