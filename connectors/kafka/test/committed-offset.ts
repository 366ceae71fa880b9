import { Admin } from '@platformatic/kafka';

/** Where Kafka has the group in partition 0 of the URL's topic, as its own tools would show it. */
export async function committedOffset(url: string, group: string): Promise<number | undefined> {
  const { host, pathname } = new URL(url);
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: [host] });
  try {
    const [found] = await admin.listConsumerGroupOffsets({ groups: [group] });
    const topic = found?.topics.find(({ name }) => `/${name}` === pathname);
    const partition = topic?.partitions.find(({ partitionIndex }) => partitionIndex === 0);
    return partition === undefined ? undefined : Number(partition.committedOffset);
  } finally {
    await admin.close();
  }
}
