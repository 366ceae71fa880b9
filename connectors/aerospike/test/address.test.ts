import { type MillraceError, resolveOptions } from '@millrace/core';
import { describe, expect, it } from 'vitest';

import { parseAerospikeUrl, sinkAddress } from '../src/address.ts';
import { plainAerospikeOptions } from '../src/connection-options.ts';

const parse = (url: string) => parseAerospikeUrl(url, plainAerospikeOptions).address;
const refusal = (url: string): unknown => {
  try {
    return parse(url);
  } catch (error) {
    return error;
  }
};

describe('the URL of an Aerospike cluster', () => {
  it('names hosts, namespace and set', () => {
    expect(parse('aerospike://a,b:4000,[::1]:5000/test/demo')).toMatchObject({
      nodes: [
        { addr: 'a', port: 3000 },
        { addr: 'b', port: 4000 },
        { addr: '::1', port: 5000 },
      ],
      namespace: 'test',
      set: 'demo',
      display: 'aerospike://a,b:4000,[::1]:5000/test/demo',
    });
    expect(parse('aerospike://a/test').set).toBeUndefined();
  });

  it('names namespace and set only where the hosts are an option', () => {
    expect(parse('aerospike://test/demo?hosts=a:3001,b')).toMatchObject({
      nodes: [
        { addr: 'a', port: 3001 },
        { addr: 'b', port: 3000 },
      ],
      namespace: 'test',
      set: 'demo',
      display: 'aerospike://a:3001,b/test/demo',
    });
  });

  it('is on this machine for records whose URL names namespace and set only, as the original had it', () => {
    const { values } = resolveOptions(plainAerospikeOptions, {});
    expect(sinkAddress('aerospike://test/sensors', values)).toMatchObject({
      nodes: [{ addr: 'localhost', port: 3000 }],
      namespace: 'test',
      set: 'sensors',
      display: 'aerospike://localhost:3000/test/sensors',
    });
    for (const host of ['localhost', 'db:3000', 'db.example.org', 'a,b', '[::1]']) {
      expect(sinkAddress(`aerospike://${host}/test`, values)).toMatchObject({ namespace: 'test', set: undefined });
    }
    expect(sinkAddress('aerospike://db/test/demo', values)).toMatchObject({ namespace: 'test', set: 'demo' });
    expect(sinkAddress('aerospike://me:pw@db/test', values)).toMatchObject({ namespace: 'test', set: undefined });
  });

  it.each(['username', 'user'])('takes the login in the query as %s', (name) => {
    expect(parse(`aerospike://a/test?${name}=me&password=p`)).toMatchObject({ username: 'me', password: 'p' });
  });

  it('takes options in any spelling, and keeps the password out of what is shown', () => {
    const address = parse('aerospike://me:p%40ss@a/test?commit_level=MASTER&totalTimeout=2s&max-retries=0');
    expect(address).toMatchObject({
      username: 'me',
      password: 'p@ss',
      commitLevel: 'master',
      totalTimeout: 2000,
      maxRetries: 0,
    });
    expect(address.display).toBe('aerospike://a/test');
  });

  it.each([
    ['aerospike://a:3000', 'url'],
    ['aerospike:a/test', 'url'],
    ['aerospike://a/test/demo/more', 'url'],
    ['aerospike://a:99999/test', 'hosts'],
    [`aerospike://a/${'n'.repeat(32)}`, 'namespace'],
    [`aerospike://a/test/${'s'.repeat(64)}`, 'set'],
  ])('refuses %s, naming what is wrong', (url, field) => {
    expect(refusal(url)).toMatchObject({ code: 'INVALID_OPTION', details: { field } });
  });

  it.each(['aerospike://me:secret@a:b:c/x', 'aerospike://me:p@secret@a/test', 'aerospike:a/test?password=secret'])(
    'shows no password in a refusal of %s',
    (url) => {
      const { message, details } = refusal(url) as MillraceError;
      expect(message + JSON.stringify(details)).not.toContain('secret');
    },
  );
});
