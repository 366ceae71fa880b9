import { MILLRACE_MAIN } from '@millrace/testkit';
import Aerospike from 'aerospike';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';

it('millrace aerospike-dev serves the official client, says what it is, and stops in order', async () => {
  const flags = ['aerospike-dev', '--port', '0', '--nodes', '2', '--namespaces', 'profiles,aggregates'];
  const child = spawn(process.execPath, [MILLRACE_MAIN, ...flags]);
  try {
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const hosts = /^aerospike-dev listens on (\S+), namespaces profiles, aggregates\n$/.exec(line.toString())?.[1];
    const client = await Aerospike.connect({
      hosts: hosts!,
      // A second by itself, which is short on a busy machine.
      connTimeoutMs: 30_000,
      log: { level: Aerospike.log.OFF },
      policies: { info: new Aerospike.InfoPolicy({ timeout: 30_000 }) },
    });
    expect(client.getNodes()).toHaveLength(2);
    expect(await client.infoAny('namespaces')).toBe('namespaces\tprofiles;aggregates\n');
    client.close(false);
    // The two streams come in any order.
    await expect.poll(() => errors).toContain('for development and tests');
    child.kill('SIGTERM');
    const [code] = (await once(child, 'exit')) as [number | null];
    expect(code).toBe(0);
  } finally {
    child.kill('SIGKILL');
  }
});
