import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

import { type AerospikeDev, startAerospikeDev } from '@millrace/aerospike-dev';
import { type MillraceError, openPublisher } from '@millrace/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openAerospikeRecords } from '../src/index.ts';
import { namespaceUrl } from './servers.ts';

const page = await readFile(new URL('../../../docs/aerospike-troubleshooting.md', import.meta.url), 'utf8');
let server: AerospikeDev;

beforeAll(async () => {
  server = await startAerospikeDev({ port: 0, namespaces: ['test'] });
});
afterAll(() => server.stop());

/** What the first block of text behind a heading says. */
function said(heading: string): string {
  const section = page.slice(page.indexOf(`\n## ${heading}\n`));
  return /```text\n([^]*?)\n```/.exec(section)?.[1]?.replaceAll(/\s+/g, ' ') ?? 'nothing';
}

async function refusalOf(work: Promise<unknown>): Promise<MillraceError> {
  try {
    await work;
  } catch (error) {
    return error as MillraceError;
  }
  throw new Error('it was not refused');
}

/** As the page shows it: with the usual port, and without what the client adds. */
const shown = ({ code, message }: MillraceError, hosts: string): string =>
  `${code}: ${message}`.replaceAll(hosts, 'localhost:3000').replace(/ \([^()]*\)$/, '');

const publishing = async (query: string, message: object, faulty = false): Promise<MillraceError> => {
  const place = namespaceUrl(server, `&retry_max=1${query}`).replace('/test', '/test/sensors');
  const publisher = await openPublisher(place);
  if (faulty) await server.faults.add({ kind: 'timeout', commands: 'write' });
  try {
    return await refusalOf(publisher.publish(message as never));
  } finally {
    await server.faults.clear();
    await publisher.close();
  }
};

describe('docs/aerospike-troubleshooting.md has what Millrace says', () => {
  it.each<[string, () => Promise<MillraceError>]>([
    [
      'Connection refused',
      () => refusalOf(openAerospikeRecords('aerospike://127.0.0.1:1/test/sensors?connect_timeout=500ms')),
    ],
    ['Namespace not found', () => refusalOf(openAerospikeRecords(`aerospike://${server.hosts}/production/users`))],
    ['Missing key', () => publishing('', { value: { temperature: 23.5 } })],
    ['Record too large', () => publishing('', { key: 'data', value: { data: 'x'.repeat(2_000_000) } })],
    ['Timeout', () => publishing('', { key: 'sensor_001', value: { n: 1 } }, true)],
    [
      'No cluster',
      () =>
        refusalOf(openAerospikeRecords(`aerospike://${server.hosts}/test?cluster_name=production&connect_timeout=1s`)),
    ],
    ['Bin name too long', () => publishing('', { key: 'k', value: { temperature_celsius: 1 } })],
    ['Bin values', () => publishing('', { key: 'k', value: { at: new Date(0) } })],
  ])('%s', async (heading, produce) => {
    const error = shown(await produce(), server.hosts).replaceAll('127.0.0.1:1/', 'localhost:3000/');
    expect(error).toBe(said(heading));
  });

  it('The client cannot be loaded', async () => {
    const hook =
      'import{registerHooks}from"node:module";registerHooks({resolve(name,context,next){if(name!=="aerospike")return next(name,context);' +
      'throw new Error("libyaml-0.so.2: cannot open shared object file")}})';
    const program =
      `import{openAerospikeRecords}from${JSON.stringify(new URL('../src/index.ts', import.meta.url).href)};` +
      'await openAerospikeRecords("aerospike://localhost:3000/test").catch(({code,message})=>console.log(`${code}: ${message}`))';
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--import',
      `data:text/javascript,${encodeURIComponent(hook)}`,
      '--input-type=module',
      '--eval',
      program,
    ]);
    expect(stdout.trim()).toBe(said('The client cannot be loaded'));
  });
});
