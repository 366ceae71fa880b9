import { MillraceError } from '@millrace/core';
import type { Cluster, Redis } from 'ioredis';
import type { RedisClient } from '../connection.ts';
import { isReply } from '../errors.ts';

/** What a server has to be set to, so that what it confirmed survives a power loss and is never evicted. */
const WANTED: Readonly<Record<string, string>> = {
  appendonly: 'yes',
  appendfsync: 'always',
  'maxmemory-policy': 'noeviction',
};

/**
 * What is wrong with the settings of the servers, in words; empty when a log is safe there. A server that does not tell
 * (managed ones forbid CONFIG) is taken to be set as its INFO says, and its `appendfsync` as unknown.
 */
export async function durabilityProblems(client: RedisClient): Promise<string[]> {
  const servers = client.isCluster ? (client as Cluster).nodes('master') : [client as Redis];
  const problems = await Promise.all(servers.map(problemsOf));
  return [...new Set(problems.flat())];
}

async function problemsOf(server: Redis): Promise<string[]> {
  const found: Record<string, string | undefined> = {};
  try {
    for (const name of Object.keys(WANTED)) {
      const answer = (await server.config('GET', name)) as readonly string[];
      found[name] = answer[1];
    }
  } catch (error) {
    if (!isReply(error)) throw error;
    const info = await server.info();
    found['appendonly'] = /^aof_enabled:1/m.test(info) ? 'yes' : 'no';
    found['maxmemory-policy'] = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
  }
  return Object.entries(WANTED)
    .filter(([name, wanted]) => found[name] !== wanted)
    .map(([name, wanted]) => `${name} is ${found[name] ?? 'not told'} instead of ${wanted}`);
}

export const notDurable = (problems: readonly string[]): MillraceError =>
  new MillraceError(
    'INVALID_OPTION',
    `this Redis can lose what it has confirmed (${problems.join(', ')}): set it so, or open the log with durable=warn`,
    { field: 'durable', value: 'require', accepted: 'warn, or a server with these settings' },
  );
