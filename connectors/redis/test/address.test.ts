import { defineOptions, MillraceError, openPublisher, stringOption } from '@millrace/core';
import { describe, expect, it } from 'vitest';

import { connectionOptions, parseRedisUrl, plainRedisOptions } from '../src/address.ts';

const parse = (url: string) => parseRedisUrl(url, plainRedisOptions);
const invalid = (field: string) =>
  expect.objectContaining({ code: 'INVALID_OPTION', details: expect.objectContaining({ field }) });

function errorOf(call: () => unknown): MillraceError {
  try {
    call();
  } catch (error) {
    if (error instanceof MillraceError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

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

  it.each(['username', 'user'])('takes the login in the query as %s, and options in any spelling', (name) => {
    const { address } = parse(`redis://host?${name}=me&password=p&tls_ca=a&tls-cert=b&tlsKey=c`);
    expect(address).toMatchObject({ username: 'me', password: 'p', tlsCa: 'a', tlsCert: 'b', tlsKey: 'c' });
  });

  it.each([':', '@', '#', '%', '/', '?', '[', ' ', 'ł'])('reads a password with an encoded %s', (character) => {
    const password = `1${character}${character}2`;
    const { address } = parse(`redis://me:${encodeURIComponent(password)}@host:7000/3`);
    expect(address).toMatchObject({ username: 'me', password, nodes: [{ host: 'host', port: 7000 }], db: 3 });
  });

  it.each([':', '@', '#', '['])('reads a password with a plain %s, too', (character) => {
    const password = `1${character}${character}2`;
    const { address } = parse(`redis://me:${password}@host:7000/3`);
    expect(address).toMatchObject({ username: 'me', password, nodes: [{ host: 'host', port: 7000 }], db: 3 });
    expect(address.display).toBe('redis://host:7000/3');
  });

  // Of each, something could pass for a host, a port, a path or an option.
  it.each([
    'redis://:1234/Geheim@host',
    'redis://me:1234/Geheim@host/5',
    'redis://:Geheim/12@host',
    'redis://:1234?Geheim@host',
    'redis://me:1234?Geheim=x@host',
    'redis://me:Geheim?@host',
    'redis://:Geheim',
    'redis://me:Geheim/0',
    'redis://me:1/2?db=Geheim@host',
    'redis://me:%Geheim@host',
    'me:Geheim@host',
  ])('tells nothing of the password of %s', (url) => {
    const error = errorOf(() => parse(url));
    expect(error).toEqual(invalid('url'));
    expect(JSON.stringify([error.message, error.details])).not.toContain('Geheim');
    expect(String((error.cause as Error | undefined)?.message)).not.toContain('Geheim');
  });

  it.each(['redis:', 'redischannel:', 'redisstream:'])(
    'of %s tells nothing of it to a publisher either',
    async (scheme) => {
      for (const login of ['me:1234/Geheim', ':1234?Geheim=1', 'me:1#Geheim', 'me:Gehe/im']) {
        const error: unknown = await openPublisher(`${scheme}//${login}@host/name`).catch(
          (failure: unknown) => failure,
        );
        expect(error).toMatchObject({ details: { field: 'url' } });
        expect(JSON.stringify([(error as Error).message, error])).not.toMatch(/Gehe|im/);
      }
    },
  );

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
