import { randomUUID } from 'node:crypto';

import { type KafkaServer, serverAvailable, startKafka } from '@millrace/testkit';
import { afterAll, beforeAll, describe } from 'vitest';

/** A topic's name that no other test uses. */
export const newTopic = (): string => `test-${randomUUID()}`;

const isThere = serverAvailable('kafka');

/** Skipped where there is no broker to be had. */
export const describeOnKafka = describe.skipIf(!isThere);
/** Skipped where the system does not tell where a process has its files, besides. */
export const describeOnKafkaFiles = describe.skipIf(!isThere || process.platform !== 'linux');

/** One broker for the tests of a file. */
export function useKafka(options?: Parameters<typeof startKafka>[0]): () => KafkaServer {
  let server: KafkaServer | undefined;
  beforeAll(async () => {
    if (isThere) server = await startKafka(options);
  });
  afterAll(() => server?.stop());
  return () => {
    if (server === undefined) throw new Error('the broker is started before the first test');
    return server;
  };
}
