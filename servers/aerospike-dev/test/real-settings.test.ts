import { onAerospikeDev } from '@millrace/testkit';
import Aerospike from 'aerospike';
import { describe, expect, it, vi } from 'vitest';
import { clientKey, codeOf, infoOf, withClient } from './with-client.ts';

/** The codes that depend on settings, on a real server; result-codes.test.ts has them on the development server. */
describe.skipIf(onAerospikeDev)('a real server with other settings', () => {
  const subject = withClient();

  /** Changes settings of the other namespace while the work is done. */
  async function withSettings(settings: Readonly<Record<string, string>>, work: () => Promise<void>): Promise<void> {
    const { client, otherNamespace } = subject();
    const configuration = await infoOf(client, `get-config:context=namespace;namespace=${otherNamespace}`);
    const current = new Map(configuration.split(';').map((pair) => pair.split('=') as [string, string]));
    const set = async (name: string, value: string): Promise<void> => {
      const answer = await infoOf(client, `set-config:context=namespace;namespace=${otherNamespace};${name}=${value}`);
      expect(answer).toBe('ok');
    };
    for (const [name, value] of Object.entries(settings)) await set(name, value);
    try {
      await work();
    } finally {
      for (const name of Object.keys(settings)) await set(name, current.get(name) ?? '');
    }
  }

  const key = (name: string) => clientKey(subject().otherNamespace, subject().set, name);

  it('22: a TTL while nothing removes expired records', async () => {
    const { client } = subject();
    await withSettings({ 'nsup-period': '0', 'allow-ttl-without-nsup': 'false' }, async () => {
      expect(await codeOf(client.put(key('ttl'), { a: 1 }, { ttl: 100 }))).toBe(22);
      expect(await codeOf(client.put(key('ttl'), { a: 1 }, { ttl: Aerospike.ttl.NEVER_EXPIRE }))).toBe(0);
      expect(await codeOf(client.put(key('ttl'), { a: 1 }))).toBe(0);
    });
    await withSettings({ 'nsup-period': '0', 'allow-ttl-without-nsup': 'true' }, async () => {
      expect(await codeOf(client.put(key('ttl'), { a: 1 }, { ttl: 100 }))).toBe(0);
    });
  });

  it('8: a full namespace refuses writes, not reads and deletes', async () => {
    const { client, otherNamespace } = subject();
    const stopsWrites = (stops: boolean) =>
      vi.waitFor(
        async () => expect(await infoOf(client, `namespace/${otherNamespace}`)).toContain(`;stop_writes=${stops};`),
        { timeout: 60_000, interval: 200 },
      );
    await client.put(key('there'), { a: 1 });
    await withSettings({ 'stop-writes-sys-memory-pct': '1' }, async () => {
      await stopsWrites(true);
      expect(await codeOf(client.put(key('new'), { a: 1 }))).toBe(8);
      expect(await codeOf(client.get(key('there')))).toBe(0);
      expect(await codeOf(client.remove(key('there')))).toBe(0);
    });
    await stopsWrites(false);
  });
});
