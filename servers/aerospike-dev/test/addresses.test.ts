import { startAerospikeDev } from '@millrace/aerospike-dev';
import { networkInterfaces } from 'node:os';
import { describe, expect, it } from 'vitest';
import { clientKey, connect, infoOf } from './with-client.ts';

const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
const outside = addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
const hasIpv6 = addresses.some(({ address }) => address === '::1');

const CASES: readonly (readonly [host: string, reached: string])[] = [
  ['0.0.0.0', '127.0.0.1'],
  ['localhost', '127.0.0.1'],
  ...(outside === undefined ? [] : ([['0.0.0.0', outside]] as const)),
  ...(hasIpv6
    ? ([
        ['::', '127.0.0.1'],
        ['::1', '[::1]'],
      ] as const)
    : []),
];

describe('the addresses that clients are told', () => {
  it.each(CASES)('are those that the client has connected to: --host %s, reached as %s', async (host, reached) => {
    const server = await startAerospikeDev({ port: 0, host, nodes: 2 });
    const client = await connect({ hosts: `${reached}:${server.port}` });
    const told = await infoOf(client, 'service-clear-std');
    expect(server.ports.map((port) => `${reached}:${port}`)).toContain(told);
    expect(client.getNodes()).toHaveLength(2);
    await client.put(clientKey('test', 'demo', 1), { n: 1 });
    client.close(false);

    const listed = await connect(server);
    expect((await listed.get(clientKey('test', 'demo', 1))).bins).toEqual({ n: 1 });
    listed.close(false);
    await server.stop();
  });

  it('are the access address, where one is given', async () => {
    const server = await startAerospikeDev({ port: 0, host: '0.0.0.0', accessAddress: 'localhost', nodes: 2 });
    expect(server.hosts).toMatch(/^localhost:\d+,localhost:\d+$/);
    const client = await connect({ hosts: `127.0.0.1:${server.port}` });
    expect(await infoOf(client, 'service-clear-std')).toMatch(/^localhost:/);
    expect(client.getNodes()).toHaveLength(2);
    client.close(false);
    await server.stop();
  });
});
