import { openEventLog, openLogReader, openPublisher, openSubscriber, partitionOf } from '@millrace/core';
import { readWhole } from '@millrace/testkit';
import { Admin, ConfigResourceTypes, Producer } from '@platformatic/kafka';
import { expect, it, onTestFinished } from 'vitest';

import { describeOnKafka, newTopic, useKafka } from './fixture.ts';

const kafka = useKafka();
const urlOf = (topic: string, query = ''): string => `${kafka().url}/${topic}${query}`;

async function closedAtEnd<T extends { close(): Promise<void> }>(opening: Promise<T>): Promise<T> {
  const opened = await opening;
  onTestFinished(() => opened.close());
  return opened;
}

describeOnKafka('a topic', () => {
  it('is created with the documented settings', async () => {
    const topic = newTopic();
    await closedAtEnd(openEventLog(urlOf(topic), { partitions: 4, retentionMs: 7_200_000, maxBytes: 4_000_000 }));
    const admin = await closedAtEnd(
      Promise.resolve(new Admin({ clientId: 'test', bootstrapBrokers: [kafka().bootstrap] })),
    );
    const [described] = await admin.describeConfigs({
      resources: [{ resourceType: ConfigResourceTypes.TOPIC, resourceName: topic }],
    });
    const settings = Object.fromEntries(described!.configs.map(({ name, value }) => [name, value]));
    expect(settings).toMatchObject({
      'cleanup.policy': 'delete',
      'max.message.bytes': '2097152',
      'message.timestamp.type': 'CreateTime',
      'retention.bytes': '1000000',
      'retention.ms': '7200000',
    });
  });

  it('has as many partitions as it is opened with, or as it has', async () => {
    const topic = newTopic();
    await kafka().createTopic(topic, { partitions: 4 });
    expect((await closedAtEnd(openEventLog(urlOf(topic)))).partitions).toBe(4);
    expect((await closedAtEnd(openLogReader(urlOf(topic)))).partitions).toBe(4);
    await expect(openEventLog(urlOf(topic), { partitions: 5 })).rejects.toMatchObject({
      code: 'PARTITIONS_MISMATCH',
      details: { accepted: '4' },
    });
  });

  it('is not created where that is not wanted, nor by a reader', async () => {
    await expect(openEventLog(urlOf(newTopic(), '?create_topic=false'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(openLogReader(urlOf(newTopic()))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('that takes small records only refuses the others one by one', async () => {
    const topic = newTopic();
    await kafka().createTopic(topic, { settings: { 'max.message.bytes': '10000' } });
    const log = await closedAtEnd(openEventLog(urlOf(topic)));
    const large = log.append([{ value: Buffer.alloc(20_000) }]);
    const small = Array.from({ length: 50 }, () => log.append([{ value: Buffer.alloc(1000) }]));
    await expect(large).rejects.toMatchObject({ code: 'RECORD_TOO_LARGE' });
    await Promise.all(small);
    const publisher = await closedAtEnd(openPublisher(urlOf(topic)));
    const results = await Promise.allSettled([
      publisher.publish({ value: 'a' }),
      publisher.publish({ value: 'x'.repeat(20_000) }),
      publisher.publish({ value: 'b' }),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(results[1]).toMatchObject({ reason: { code: 'RECORD_TOO_LARGE' } });
  });
});

describeOnKafka('reading', () => {
  it('leaves out what transactions aborted, and their markers', async () => {
    const topic = newTopic();
    await kafka().createTopic(topic);
    const log = await closedAtEnd(openEventLog(urlOf(topic)));
    const producer = new Producer({
      clientId: 'test',
      bootstrapBrokers: [kafka().bootstrap],
      idempotent: true,
      transactionalId: 'test',
      retries: true,
    });
    onTestFinished(() => producer.close());
    for (const [value, ending] of [
      ['first', 'commit'],
      ['never', 'abort'],
      ['nor this', 'abort'],
      ['second', 'commit'],
    ] as const) {
      const transaction = await producer.beginTransaction();
      await transaction.send({ messages: [{ topic, partition: 0, value: Buffer.from(value) }] });
      await transaction[ending]();
    }
    await log.append([{ value: Buffer.from('third') }]);
    const records = async () => (await readWhole(log)).records;
    const values = async () => (await records()).map(({ value }) => value.toString());
    // The broker tells of a commit before the partition knows of it.
    await expect.poll(values).toEqual(['first', 'second', 'third']);
    const [first, ...others] = await records();
    const after = await log.read(0, first!.offset + 1, 1000);
    expect(after.records.map(({ offset }) => offset)).toEqual(others.map(({ offset }) => offset));
  });

  it('starts where retention has not removed anything, and says so otherwise', async () => {
    const topic = newTopic();
    const log = await closedAtEnd(openEventLog(urlOf(topic), { partitions: 1 }));
    await log.append(Array.from({ length: 10 }, (_, i) => ({ value: Buffer.from(`${i}`) })));
    const admin = await closedAtEnd(
      Promise.resolve(new Admin({ clientId: 'test', bootstrapBrokers: [kafka().bootstrap] })),
    );
    await admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition: 0, offset: 4n }] }] });
    expect(await log.bounds(0)).toEqual({ earliest: 4, next: 10 });
    expect((await readWhole(log)).records).toHaveLength(6);
    await expect(log.read(0, 3, 100)).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' });
    const never = new AbortController().signal;
    await expect(
      log.consume('group', { start: async () => 3, handle: async () => undefined, signal: never }),
    ).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE', details: { accepted: 'from 4 to 10' } });
  });
});

describeOnKafka('publishing', () => {
  it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])('with compression %s is read by all', async (compression) => {
    const url = urlOf(newTopic(), `?compression=${compression}`);
    const publisher = await closedAtEnd(openPublisher(url, { partitions: 1 }));
    const values = Array.from({ length: 100 }, (_, i) => `the same words again and again ${i}`);
    await Promise.all(values.map((value) => publisher.publish({ value })));
    const log = await closedAtEnd(openEventLog(url));
    const { records } = await readWhole(log);
    expect(records.map(({ value }) => JSON.parse(value.toString()) as string)).toEqual(values);
  });

  it.each(['all', '1', '0'])('with acks %s arrives', async (acks) => {
    const url = urlOf(newTopic());
    const publisher = await closedAtEnd(openPublisher(url, { acks, partitions: 1 }));
    const subscriber = await closedAtEnd(openSubscriber(url));
    await publisher.publish({ value: acks });
    expect(await subscriber.next({ timeoutMs: 60_000 })).toMatchObject({ value: acks });
  });

  it('takes key and partition from a field of the value, and carries headers', async () => {
    const url = urlOf(newTopic());
    const publisher = await closedAtEnd(openPublisher(url, { partitions: 5, partition_key: 'user' }));
    const subscriber = await closedAtEnd(openSubscriber(url));
    await publisher.publish({ value: { user: 'alice' }, headers: { trace: 'żółw' } });
    expect(await subscriber.next({ timeoutMs: 60_000 })).toEqual({
      key: 'alice',
      value: { user: 'alice' },
      headers: { trace: 'żółw' },
    });
    await publisher.publish({ key: 'own', value: { user: 'alice' } });
    await publisher.publish({ value: { user: 7 } });
    const { records } = await readWhole(await closedAtEnd(openEventLog(url)));
    expect(new Set(records.map(({ key }) => key))).toEqual(new Set(['7', 'alice', 'own']));
    for (const { key, partition } of records) expect(partition).toBe(partitionOf(key!, 5));
  });
});
