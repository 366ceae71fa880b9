import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  createPublisher,
  createRegistry,
  createSubscriber,
  openPublisher,
  openSubscriber,
  withoutPassword,
} from '@millrace/core';
import { ScriptedTarget } from './scripted-target.ts';

const target = new ScriptedTarget();
const { createPublisher: createScripted } = createRegistry({ scripted: 'scripted' }, async () => ({
  connector: { sinks: { scripted: target.connector } },
}));
const scripted = 'scripted://target';

describe('configuration', () => {
  it('takes documented snake_case, camelCase and the query alike; what the program says wins', async () => {
    for (const config of [{ batch_size: 7 }, { batchSize: 7 }, { 'batch-size': '7' }]) {
      const publisher = await createScripted('orders', { destination: scripted, ...config });
      expect(publisher.details()).toMatchObject({ name: 'orders', destination: scripted, batch_size: 7 });
    }
    const both = await createScripted('orders', {
      destination: `${scripted}?batch_size=3&publish_interval=0.5`,
      batchSize: 7,
    });
    expect(both.details()).toMatchObject({ batch_size: 7, publish_interval: 0.5 });
  });

  it('takes the documented names that differ', async () => {
    const config = { destination: scripted, queue_type: 'Priority', dag_priority: 'urgency', retry_backoff_seconds: 2 };
    const publisher = await createScripted('orders', config);
    expect(publisher.details()).toMatchObject({ priority_queue_enabled: true, priority_key: 'urgency' });
  });

  it.each([
    [{ batch_sise: 7 }, 'UNKNOWN_OPTION', 'publisher "orders": batch_sise is unknown: did you mean batch_size?'],
    [{ batchSise: 7 }, 'UNKNOWN_OPTION', 'publisher "orders": batchSise is unknown: did you mean batchSize?'],
    [{ time_to_life: 7 }, 'UNKNOWN_OPTION', 'publisher "orders": time_to_life is unknown: did you mean time_to_live?'],
    [{ time_to_live: 0 }, 'INVALID_OPTION', 'publisher "orders": time_to_live: 0 is not an integer from 1 up'],
    [{ overflow: 'drop_oldest' }, 'INVALID_OPTION', 'did you mean drop-oldest?'],
  ])('refuses %j', async (config, code, message) => {
    const refused = createScripted('orders', { destination: scripted, ...config });
    await expect(refused).rejects.toMatchObject({ code, message: expect.stringContaining(message) as string });
  });

  it.each(['group', 'group_id', 'groupId', 'consumer_group'])(
    'takes %s for the consumer group of any connector',
    async (name) => {
      for (const url of ['kafka://127.0.0.1:9/orders', 'redisstream://127.0.0.1:9/orders']) {
        const subscriber = await createSubscriber('orders', {
          source: url,
          [name]: 'billing',
          user: 'me',
          from: 'latest',
        });
        expect(subscriber.details().source).toBe(url);
      }
      const none = createSubscriber('orders', { source: 'redischannel://127.0.0.1:9/orders', [name]: 'billing' });
      await expect(none).rejects.toMatchObject({ code: 'UNKNOWN_OPTION' });
    },
  );

  it('says what is missing', async () => {
    await expect(createPublisher('orders', {})).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining('publisher "orders" has no destination') as string,
    });
    await expect(createSubscriber('orders', {})).rejects.toThrow('subscriber "orders" has no source');
  });

  it('hides the password of a URL', async () => {
    const publisher = await createScripted('orders', { destination: 'scripted://user:secret@host' });
    expect(publisher.details().destination).toBe('scripted://user:***@host');
    await expect(openPublisher('mqtt://user:secret@host')).rejects.toMatchObject({
      details: { value: 'mqtt://user:***@host' },
    });
    const split = ['/', '?', '#'].flatMap((at) => [`redis://:sec${at}ret@host/x`, `redis://:1${at}ret@host/x`]);
    for (const url of [...split, 'redis://me:1?ret@host/x', 'redis://me:1#ret@host/x']) {
      await expect(openPublisher(url)).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringMatching('^"redis://\\*\\*\\*@host/x" is no URL') as string,
        details: { value: 'redis://***@host/x' },
      });
    }
    expect(withoutPassword('redis://me:1/ret@host/x')).toBe('redis://***@host/x');
    expect(withoutPassword('https://host/@name')).toBe('https://host/@name');
  });
});

describe('schemes without a connector', () => {
  const schemes =
    'activemq grpc rabbitmq tibcoems websphere sql s3 azureblob gcs sqs kinesis sns servicebus eventhubs lmdb';

  it.each(schemes.split(' '))('%s says how to add one', async (scheme) => {
    for (const opened of [openPublisher(`${scheme}://x`), openSubscriber(`${scheme}://x`)]) {
      await expect(opened).rejects.toMatchObject({
        code: 'CONNECTOR_NOT_INSTALLED',
        message: expect.stringMatching(`^no connector for "${scheme}:" is installed: .*custom:`) as string,
      });
    }
  });
});

describe('custom:', () => {
  it('loads the module of its path or of delegate_module', async () => {
    const module = `${import.meta.dirname}/wal-target.ts`;
    for (const [url, config] of [
      [`custom:${module}`, {}],
      ['custom://', { delegate_module: module }],
      ['custom://printer', { delegateModule: module }],
    ] as const) {
      const publisher = await openPublisher(url, config);
      expect(publisher.details().state).toBe('running');
      await publisher.close();
    }
    await expect(openSubscriber(`custom:${module}`)).rejects.toMatchObject({ code: 'NOT_SUPPORTED' });
  });

  it('says what it could not load', async () => {
    await expect(openPublisher('custom://')).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    await expect(openPublisher('custom:./no-such-module.ts')).rejects.toMatchObject({
      code: 'CONNECTOR_NOT_INSTALLED',
    });
    await expect(openSubscriber('custom:./100%.ts')).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      details: { field: 'url' },
    });
  });

  it('shows no value of its query: which ones are secret only the module knows', async () => {
    const module = `${import.meta.dirname}/wal-target.ts`;
    for (const url of ['custom:?pin=4711', 'custom:./no-such-module.ts?pin=4711&a=b', `custom:${module}?pin=4711`]) {
      const error: unknown = await openPublisher(url).catch((cause: unknown) => cause);
      expect(inspect(error, { depth: 5 })).toMatch(/INVALID_OPTION|CONNECTOR_NOT_INSTALLED|UNKNOWN_OPTION/);
      expect(inspect(error, { depth: 5 })).not.toContain('4711');
    }
    expect(withoutPassword('custom:./x.ts?pin=4711&a=')).toBe('custom:./x.ts?pin=***&a=');
  });
});
