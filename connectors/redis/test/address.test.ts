import { defineOptions, stringOption } from '@millrace/core';
import { describe, expect, it } from 'vitest';

import { connectionOptions, parseRedisUrl, plainRedisOptions } from '../src/address.ts';

const parse = (url: string) => parseRedisUrl(url, plainRedisOptions);
const invalid = (field: string) =>
  expect.objectContaining({ code: 'INVALID_OPTION', details: expect.objectContaining({ field }) });

describe('a Redis URL', () => {
  it('names one server, with its defaults', () => {
    const { address, path } = parse('redis://');
    expect(address).toMatchObject({ kind: 'server', nodes: [{ host: 'localhost', port: 6379 }], db: 0, tls: false });
    expect(path).toBe('');
    expect(parse('redis://[::1]:7000').address.nodes).toEqual([{ host: '::1', port: 7000 }]);
  });

  it('takes user, password and database, and shows no password', () => {
    const { address } = parse('rediss://me:p%40ss@db.example/3');
    expect(address).toMatchObject({ username: 'me', password: 'p@ss', db: 3, tls: true });
    expect(address.display).toBe('rediss://db.example/3');
    expect(parse('redis://:secret@host').address).toMatchObject({ username: undefined, password: 'secret' });
  });

  it('names nodes of a Cluster, or Sentinels', () => {
    const nodes = [
      { host: 'a', port: 7000 },
      { host: 'b', port: 7001 },
    ];
    expect(parse('redis://a:7000,b:7001/?cluster=true').address).toMatchObject({ kind: 'cluster', nodes });
    expect(parse('redis://a,b:7001?sentinel=main').address).toMatchObject({
      kind: 'sentinel',
      sentinel: 'main',
      nodes: [{ host: 'a', port: 26_379 }, nodes[1]],
    });
  });

  it('keeps the path for what is not a database, and options of others', () => {
    const options = defineOptions('channel', {
      ...connectionOptions,
      group: stringOption({ default: '', description: '' }),
    });
    const { path, values } = parseRedisUrl('redischannel://host/news%2Fall?group=x&db=2', options);
    expect(path).toBe('news/all');
    expect(values).toMatchObject({ group: 'x', db: 2 });
  });

  it('refuses what cannot be meant', () => {
    expect(() => parse('redis:host')).toThrow(invalid('url'));
    expect(() => parse('redis://a:99999')).toThrow(invalid('url'));
    expect(() => parse('redis://a,b')).toThrow(invalid('url'));
    expect(() => parse('redis://a%zz@b')).toThrow(invalid('url'));
    expect(() => parse('redis://a?cluster=true&sentinel=x')).toThrow(invalid('cluster'));
    expect(() => parse('redis://a/3?cluster=true')).toThrow(invalid('db'));
    expect(() => parse('redis://a?clutser=true')).toThrow(/did you mean cluster\?/);
    expect(() => parse('redis://a?connect-timeout=soon')).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
  });
});
