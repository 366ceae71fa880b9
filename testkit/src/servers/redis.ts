import { readFile } from 'node:fs/promises';
import { type Certificate, makeCertificate } from './certificates.ts';
import { freePort } from './free-port.ts';
import { type RedisAddress, redisCommand } from './redis-command.ts';
import { type ServerControl, serverDirectory, startServer } from './server-process.ts';

export interface RedisOptions {
  /** Default false: nothing is written to disk, and a restart begins empty. */
  readonly appendOnly?: boolean;
  /** Default `always`. */
  readonly appendFsync?: 'always' | 'everysec' | 'no';
  readonly password?: string;
  /** Speak TLS only, with clients and with other servers; `mutual`: with clients that show the certificate, too. */
  readonly tls?: boolean | 'mutual';
  /** Default: one made for this server and its host. Servers that speak to one another share one. */
  readonly certificate?: Certificate;
  /** The name by which it is reached. It always listens on 127.0.0.1, the default. */
  readonly host?: string;
  /** Further arguments of redis-server, such as `['--maxmemory', '64mb']`. */
  readonly arguments?: readonly string[];
}

export interface RedisServer extends ServerControl, RedisAddress {
  /** `redis://127.0.0.1:PORT`, with the password where there is one; `rediss://` with TLS. */
  readonly url: string;
  /** With TLS. */
  readonly certificate?: Certificate;
}

/** Starts a redis-server in a temporary directory and resolves when it answers; `stop` ends it and removes its data. */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const directory = await serverDirectory('redis');
  const port = await freePort();
  const isMutual = options.tls === 'mutual';
  const { password, host = '127.0.0.1' } = options;
  const hasTls = isMutual || options.tls === true;
  const tls = hasTls ? (options.certificate ?? (await makeCertificate(directory, [host]))) : undefined;
  const address: RedisAddress = {
    host,
    port,
    ...(password === undefined ? {} : { password }),
    ...(tls === undefined ? {} : { ca: tls.ca }),
    ...(isMutual ? { key: await readFile(tls!.keyFile, 'utf8') } : {}),
  };
  const listening = tls === undefined ? { port } : tlsSettings(port, tls, isMutual);
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
  return Object.assign(control, address, {
    url: `redis${tls === undefined ? '' : 's'}://${user}${host}:${port}`,
    ...(tls === undefined ? {} : { certificate: tls }),
  });
}

/** As an option of the servers that it speaks to. */
export const certificateOf = (server: RedisServer | undefined): Pick<RedisOptions, 'certificate'> =>
  server?.certificate === undefined ? {} : { certificate: server.certificate };

/** Settings of redis.conf for a server, or a sentinel, that speaks TLS only. */
export function tlsSettings(
  port: number,
  { certificateFile, keyFile }: Certificate,
  isMutual: boolean,
): Readonly<Record<string, string | number>> {
  return {
    port: 0,
    'tls-port': port,
    'tls-auth-clients': isMutual ? 'yes' : 'no',
    'tls-ca-cert-file': certificateFile,
    'tls-cert-file': certificateFile,
    'tls-key-file': keyFile,
    'tls-replication': 'yes',
    'tls-cluster': 'yes',
  };
}

/** Settings of redis.conf as arguments of the command line. */
function redisArguments(settings: Readonly<Record<string, string | number>>): readonly string[] {
  return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
}
