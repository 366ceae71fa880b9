import { randomUUID } from 'node:crypto';

import { openPublisher, type Publisher } from '@millrace/core';

import { type Example, runIfMain } from './example.ts';

/** Keeps a new session and gives its id. */
export async function createSession(publisher: Publisher, userId: string): Promise<string> {
  const sessionId = randomUUID();
  const now = new Date().toISOString();
  await publisher.publish({
    value: {
      __dagserver_key: sessionId,
      user_id: userId,
      created_at: now,
      last_activity: now,
      is_active: true,
      is_admin: false,
    },
  });
  return sessionId;
}

/** Sessions under random ids. */
export const sessions: Example = async ({ urlOf, print }) => {
  const publisher = await openPublisher(urlOf('sessions', 'active'), { name: 'session_store' });
  const sessionId = await createSession(publisher, 'user_12345');
  await publisher.close();
  print(`Created session: ${sessionId}`);
};

await runIfMain(import.meta.main, sessions);
