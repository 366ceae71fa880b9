import { describe, expect, it } from 'vitest';

import { eventLogOptions } from '../src/index.ts';
import { parseKafkaUrl } from '../src/url.ts';

const addressOf = (url: string) => parseKafkaUrl(url, eventLogOptions).address;

describe('the URL of a topic', () => {
  it('names brokers and topic', () => {
    expect(addressOf('kafka://a:9093,b,[::1]:9094/tags')).toMatchObject({
      brokers: ['a:9093', 'b:9092', '[::1]:9094'],
      topic: 'tags',
      display: 'kafka://a:9093,b,[::1]:9094/tags',
    });
  });

  it('takes the documented form with the brokers in an option', () => {
    const { brokers, topic } = addressOf('kafka://topic/tags?bootstrap_servers=a:1,b:2');
    expect({ brokers, topic }).toEqual({ brokers: ['a:1', 'b:2'], topic: 'tags' });
    expect(addressOf('kafka://topic/tags').brokers).toEqual(['localhost:9092']);
    expect(addressOf('kafka://a:1/topic/tags')).toMatchObject({ brokers: ['a:1'], topic: 'tags' });
  });

  it('names a broker, in one place or the other', () => {
    expect(addressOf('kafka:///tags?bootstrap_servers=a:1').brokers).toEqual(['a:1']);
    expect(() => addressOf('kafka:///tags')).toThrow(
      'kafka:///tags names no broker: give kafka://localhost:9092/tags for a broker on this machine',
    );
  });

  it.each(['username', 'user'])('takes the login in the query as %s', (name) => {
    expect(addressOf(`kafka://a/t?${name}=me&password=p`)).toMatchObject({ username: 'me', password: 'p' });
  });

  it('takes options in snake_case and kebab-case', () => {
    for (const url of ['kafka://a/t?delivery_timeout=2s&linger=0', 'kafka://a/t?delivery-timeout=2s&linger=0']) {
      expect(parseKafkaUrl(url, eventLogOptions).values).toMatchObject({ deliveryTimeout: 2000, linger: 0 });
    }
  });

  it('takes user and password, and does not show them', () => {
    const address = addressOf('kafka://us%40er:p%3Aw@a/t?sasl_mechanism=SCRAM-SHA-512');
    expect(address).toMatchObject({ username: 'us@er', password: 'p:w', saslMechanism: 'SCRAM-SHA-512' });
    expect(address.display).toBe('kafka://a/t');
  });

  it.each([
    ['kafka://a', 'INVALID_OPTION'],
    ['kafka://a/', 'INVALID_OPTION'],
    ['kafka://a/two/parts', 'INVALID_OPTION'],
    ['kafka://a/..', 'INVALID_OPTION'],
    ['kafka://a:99999/t', 'INVALID_OPTION'],
    ['kafka://a:0/t', 'INVALID_OPTION'],
    ['kafka://a/t%', 'INVALID_OPTION'],
    ['kafka://a/t?linger=soon', 'INVALID_OPTION'],
    ['kafka://a/t?lingr=1ms', 'UNKNOWN_OPTION'],
  ])('refuses %s', (url, code) => {
    expect(() => addressOf(url)).toThrow(expect.objectContaining({ code }));
  });

  it('shows the URL that is none of a topic', () => {
    expect(() => addressOf('kafka://me:hunter2@a:1/')).toThrow('kafka://a:1/ is no URL of a topic: give kafka://');
  });

  it.each(['kafka://user:hunter2@a?x=1', 'kafka://user:hunter2@a@b/t', 'kafka://user:1/hunter2@b/t'])(
    'keeps the password of %s out of its errors',
    (url) => {
      expect(() => addressOf(url)).toThrow(
        expect.objectContaining({
          message: expect.not.stringContaining('hunter2') as string,
          details: expect.objectContaining({
            value: expect.stringMatching(/^kafka:\/\/\*\*\*@[ab]/) as string,
          }) as object,
        }),
      );
    },
  );
});
