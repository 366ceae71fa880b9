import { findCommand } from './find-command.ts';
import { isKafkaInstalled } from './kafka.ts';

const SERVERS = {
  redis: {
    isThere: () => findCommand('redis-server') !== undefined,
    get: 'put redis-server on the PATH, 7.0 or later (apt-get install redis-server; brew install redis)',
  },
  kafka: {
    isThere: () => isKafkaInstalled() && findCommand('java') !== undefined,
    get: 'put java (17 or later) and mvn on the PATH, then run `node scripts/setup.mjs --servers`',
  },
  haproxy: {
    isThere: () => findCommand('haproxy') !== undefined,
    get: 'put haproxy on the PATH (apt-get install haproxy; brew install haproxy)',
  },
} as const;

export type ServerName = keyof typeof SERVERS;

/**
 * Whether a server can be started here, for `describe.skipIf(!serverAvailable('redis'))`. Says in one line how to get it
 * when not.
 *
 * @throws Error instead when the variable CI is `true`: there, a missing server must not hide its tests
 */
export function serverAvailable(server: ServerName): boolean {
  const { isThere, get } = SERVERS[server];
  if (isThere()) return true;
  if (process.env['CI'] === 'true') throw new Error(`no ${server} on this machine: ${get}`);
  process.stderr.write(`tests skipped, no ${server} on this machine: ${get}\n`);
  return false;
}
