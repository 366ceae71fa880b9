import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createRegistry, openEventLog, openPublisher, openSubscriber } from '@millrace/core';
import type { Connector, KeyValueStore } from '@millrace/core';

const silent = { close: async () => {} } as KeyValueStore;
const connector: Connector = { openKeyValueStore: async () => silent };
const registry = createRegistry({ silent: '@example/silent' }, async () => ({ connector }));

describe('opening by URL', () => {
  it('loads the package of the scheme when it is first opened, and hands it the whole URL', async () => {
    const asked: string[] = [];
    const { openKeyValueStore } = createRegistry({ a: '@example/a', b: '@example/b' }, async (name) => {
      asked.push(name);
      return { connector: { openKeyValueStore: async (url) => (asked.push(url), silent) } };
    });
    expect(asked).toEqual([]);
    expect(await openKeyValueStore('B:place?x=1')).toBe(silent);
    expect(asked).toEqual(['@example/b', 'B:place?x=1']);
  });

  it('lets an opener use its connector', async () => {
    const connector = {
      mine: silent,
      async openKeyValueStore() {
        return this.mine;
      },
    };
    expect(await createRegistry({ a: 'a' }, async () => ({ connector })).openKeyValueStore('a:')).toBe(silent);
  });

  it.each(['nowhere', '', '/tmp/data', ':x', '1a:x'])('"%s" has no scheme', async (url) => {
    await expect(registry.openKeyValueStore(url)).rejects.toMatchObject({
      code: 'UNKNOWN_SCHEME',
      message: `"${url}" has no scheme: write one of silent:`,
    });
  });

  it.each(['mqtt://x', 'constructor:x', '__proto__:x'])('"%s" is of no known scheme', async (url) => {
    await expect(registry.openKeyValueStore(url)).rejects.toMatchObject({ code: 'UNKNOWN_SCHEME' });
  });

  it('names the schemes there are', async () => {
    await expect(openPublisher('mqtt://x')).rejects.toThrow(
      'no connector for "mqtt:" is known; there are aerospike:, embedded:, file:',
    );
  });

  it.each([
    ['redsi://:secret@127.0.0.1/x', 'no connector for "redsi:" is known; did you mean redis:?'],
    ['Kafak://h/t', 'no connector for "kafak:" is known; did you mean kafka:?'],
    ['costom:./m.ts', 'no connector for "costom:" is known; did you mean custom:?'],
  ])('"%s" is misspelled', async (url, message) => {
    await expect(openPublisher(url)).rejects.toMatchObject({ code: 'UNKNOWN_SCHEME', message });
  });

  it.each(['fanin:', 'composite:file:a.jsonl'])('"%s" says what it is for', async (url) => {
    await expect(openPublisher(url)).rejects.toMatchObject({
      code: 'UNKNOWN_SCHEME',
      message: expect.stringMatching(/^"(\w+):" is for subscribers, and names their URLs: \1:URL,URL$/),
    });
  });

  it.each<unknown>([undefined, null, 5, new URL('memory://queue/x')])('%s is no URL', async (url) => {
    const refusal = { code: 'INVALID_ARGUMENT', details: { field: 'url' } };
    for (const open of [openPublisher, openSubscriber, openEventLog]) {
      await expect(open(url as string)).rejects.toMatchObject(refusal);
    }
  });

  it.each([
    ['redis://host:6379:99999/a', 'redis://host:***/a'],
    ['redis://host:99999/a', 'redis://host:***/a'],
    ['redis://me:secret/0', 'redis://me:***/0'],
    ['redis://me:se,cret/0', 'redis://me:***/0'],
    ['redisstream://me:secret@host:x/a', 'redisstream://***@host:***/a'],
    ['http://[::1]:x/a', 'http://[::1]:***/a'],
  ])('"%s" has no port, and may be a password', async (url, shown) => {
    await expect(openPublisher(url)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/is no port, which is a number up to 65535$/) as string,
      details: { field: 'url', value: shown },
    });
  });

  it('says what a connector has when it lacks the contract', async () => {
    await expect(registry.openPublisher('silent:x')).rejects.toMatchObject({
      code: 'NOT_SUPPORTED',
      message: '"silent:" has no Publisher; it has KeyValueStore',
      details: { field: 'url', value: 'silent:x' },
    });
    await expect(openEventLog('memory://queue/x')).rejects.toMatchObject({ code: 'NOT_SUPPORTED' });
  });
});

// Node's own loader, outside of the test runner's: its error is what `CONNECTOR_NOT_INSTALLED` rests on.
async function openIn(packageName: string): Promise<string> {
  const script = `
    import { createRegistry } from '@millrace/core';
    const { openPublisher } = createRegistry({ x: ${JSON.stringify(packageName)} }, (name) => import(name));
    await openPublisher('x:').catch((error) => console.log(error.code, error.message));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    cwd: import.meta.dirname,
  });
  return stdout.trim();
}

describe('a package that cannot be loaded', () => {
  it('says how to install it', async () => {
    expect(await openIn('@millrace/ghost')).toBe(
      'CONNECTOR_NOT_INSTALLED "x:" needs the package @millrace/ghost: npm install @millrace/ghost',
    );
  });

  it('is not taken for absent when something that it imports is', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'millrace-registry-'));
    try {
      const file = path.join(directory, 'connector.mjs');
      await writeFile(file, 'import "@millrace/ghost"; export const connector = {};');
      expect(await openIn(pathToFileURL(file).href)).toMatch(/^ERR_MODULE_NOT_FOUND .*@millrace\/ghost/);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
