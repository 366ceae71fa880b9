import { readFile } from 'node:fs/promises';
import { makeCertificate } from './certificates.ts';
import { freePort } from './free-port.ts';
import { type RedisAddress, redisCommand } from './redis-command.ts';
import { type ServerControl, serverDirectory, startServer } from './server-process.ts';

export interface RedisOptions {
  /** Default false: nothing is written to disk, and a restart begins empty. */
  readonly appendOnly?: boolean;
  /** Default `always`. */
  readonly appendFsync?: 'always' | 'everysec' | 'no';
  readonly password?: string;
  /** Speak TLS only, with a certificate made for this server; `mutual`: with clients that show it, too. */
  readonly tls?: boolean | 'mutual';
  /** Further arguments of redis-server, such as `['--maxmemory', '64mb']`. */
  readonly arguments?: readonly string[];
}

export interface RedisServer extends ServerControl, RedisAddress {
  /** `redis://127.0.0.1:PORT`, with the password where there is one; `rediss://` with TLS. */
  readonly url: string;
}

/** Starts a redis-server in a temporary directory and resolves when it answers; `stop` ends it and removes its data. */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const directory = await serverDirectory('redis');
  const port = await freePort();
  const isMutual = options.tls === 'mutual';
  const tls = isMutual || options.tls === true ? await makeCertificate(directory) : undefined;
  const { password } = options;
  const address: RedisAddress = {
    port,
    ...(password === undefined ? {} : { password }),
    ...(tls === undefined ? {} : { ca: tls.ca }),
    ...(isMutual ? { key: await readFile(tls!.keyFile, 'utf8') } : {}),
  };
  const listening =
    tls === undefined
      ? { port }
      : {
          port: 0,
          'tls-port': port,
          'tls-auth-clients': isMutual ? 'yes' : 'no',
          'tls-ca-cert-file': tls.certificateFile,
          'tls-cert-file': tls.certificateFile,
          'tls-key-file': tls.keyFile,
        };
  const control = await startServer(directory, {
    name: 'redis-server',
    command: 'redis-server',
    arguments: [
      ...redisArguments({
        ...listening,
        bind: '127.0.0.1',
        dir: directory,
        save: '',
        appendonly: options.appendOnly === true ? 'yes' : 'no',
        appendfsync: options.appendFsync ?? 'always',
        ...(password === undefined ? {} : { requirepass: password, masterauth: password }),
      }),
      ...(options.arguments ?? []),
    ],
    // While it loads its data it answers LOADING, which rejects.
    ready: async () => (await redisCommand(address, 'PING')) === 'PONG',
  });
  const user = password === undefined ? '' : `:${encodeURIComponent(password)}@`;
  return Object.assign(control, address, { url: `redis${tls === undefined ? '' : 's'}://${user}127.0.0.1:${port}` });
}

/** Settings of redis.conf as arguments of the command line. */
function redisArguments(settings: Readonly<Record<string, string | number>>): readonly string[] {
  return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
}
