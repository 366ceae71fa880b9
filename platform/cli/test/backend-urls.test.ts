import { runMillrace } from '@millrace/testkit';
import { describe, expect, it } from 'vitest';
import { backendUrls } from '../src/backend-urls.ts';

const nothing = { log: undefined, state: undefined };

describe('where log and state are', () => {
  it('is the data directory, unless something else is said', () => {
    expect(backendUrls({ ...nothing, data: '.millrace' }, {})).toEqual({
      logUrl: 'embedded:.millrace',
      stateUrl: 'embedded:.millrace',
      notes: [],
    });
    const given = { log: 'kafka://k/t', state: undefined, data: 'd' };
    expect(backendUrls(given, {})).toMatchObject({ logUrl: 'kafka://k/t', stateUrl: 'embedded:d' });
  });

  it('is what the variables of the original platform say, with its defaults', () => {
    const least = { KAFKA_BOOTSTRAP_SERVERS: 'kafka:9092', AEROSPIKE_HOSTNAME: 'aerospike' };
    expect(backendUrls({ ...nothing, data: 'd' }, least)).toEqual({
      logUrl: 'kafka://kafka:9092/tags?client_id=consumer',
      stateUrl: 'aerospike://aerospike:3000/profiles?aggregates_namespace=aggregates&commit_level=all',
      notes: [],
    });
    const all = {
      KAFKA_BOOTSTRAP_SERVERS: 'a:1,b:2',
      KAFKA_TOPIC: 'user-tags',
      KAFKA_CONSUMER_ID: 'processor 7',
      KAFKA_POLL_TIMEOUT: '1000',
      AEROSPIKE_HOSTNAME: 'db',
      AEROSPIKE_PORT: '3100',
      AEROSPIKE_PROFILES_NAMESPACE: 'p',
      AEROSPIKE_AGGREGATES_NAMESPACE: 'a',
      AEROSPIKE_COMMIT_LEVEL: 'MASTER',
      AEROSPIKE_BUCKETS_PER_KEY: '60',
    };
    expect(backendUrls(nothing, all)).toEqual({
      logUrl: 'kafka://a:1,b:2/user-tags?client_id=processor+7',
      stateUrl: 'aerospike://db:3100/p?aggregates_namespace=a&commit_level=master',
      notes: ['These variables have no effect: KAFKA_POLL_TIMEOUT, AEROSPIKE_BUCKETS_PER_KEY'],
    });
  });

  it('is what the options say first, and names the variables that then mean nothing', () => {
    const env = { KAFKA_BOOTSTRAP_SERVERS: 'kafka:9092', KAFKA_TOPIC: 'tags', AEROSPIKE_PORT: '3000' };
    expect(backendUrls({ log: 'redis://r', state: 'redis://r' }, env)).toEqual({
      logUrl: 'redis://r',
      stateUrl: 'redis://r',
      notes: ['These variables have no effect: KAFKA_BOOTSTRAP_SERVERS, KAFKA_TOPIC, AEROSPIKE_PORT'],
    });
  });

  it('must be said where there is no data directory', () => {
    expect(() => backendUrls(nothing, {})).toThrow('--log is missing: give a URL such as kafka://');
    expect(() => backendUrls({ log: 'kafka://k/t', state: undefined }, {})).toThrow('--state is missing');
  });

  it.each(['frontend', 'processor'])(
    'is refused by a %s of its own when only one process can have it',
    async (role) => {
      const embedded = ['--log', 'embedded:nowhere', '--state', 'redis://127.0.0.1:1'];
      const { code, stderr } = await runMillrace([role, ...embedded]);
      expect(stderr).toContain('error INVALID_OPTION: ');
      expect(stderr).toContain('embedded:nowhere lives in one process: run `millrace up`');
      expect(code).toBe(2);
    },
  );
});
