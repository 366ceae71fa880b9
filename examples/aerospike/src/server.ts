import { startAerospikeDev } from '@millrace/aerospike-dev';

/** Where the examples write: `aerospike://host:port`, to which each adds namespace and set. */
export interface Server {
  readonly urlOf: (namespace: string, set: string) => string;
  stop(): Promise<void>;
}

/** Namespaces of the examples. Community Edition has two at most, so a real server needs them configured, or one for all. */
const NAMESPACES = ['test', 'users', 'iot', 'sessions', 'metrics', 'analytics', 'orders', 'logs'];

/**
 * The server that `AEROSPIKE_URL` names (`aerospike://localhost:3000`), or a development server in this process. With
 * a namespace in the URL (`aerospike://localhost:3000/test`) everything goes there, into sets `<namespace>_<set>`.
 */
export async function openServer(url = process.env['AEROSPIKE_URL']): Promise<Server> {
  if (url !== undefined) {
    const [, host, namespace] = /^(aerospike:\/\/[^/]+)(?:\/([^/?]+))?/.exec(url) ?? [];
    if (host === undefined) throw new Error(`AEROSPIKE_URL is ${url}: write aerospike://localhost:3000`);
    return {
      urlOf: (asked, set) =>
        namespace === undefined ? `${host}/${asked}/${set}` : `${host}/${namespace}/${asked}_${set}`,
      stop: async () => {},
    };
  }
  const server = await startAerospikeDev({ port: 0, namespaces: NAMESPACES, allowManyNamespaces: true });
  return { urlOf: (namespace, set) => `aerospike://${server.hosts}/${namespace}/${set}`, stop: () => server.stop() };
}
