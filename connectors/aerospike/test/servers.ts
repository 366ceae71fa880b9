import { randomBytes } from 'node:crypto';

import { type AerospikeDev, type AerospikeDevOptions, startAerospikeDev } from '@millrace/aerospike-dev';
import { afterAll, beforeAll } from 'vitest';

/** A real server for the suites: `aerospike://host:3000/namespace`. The development server stands in where it is not set. */
export const REAL_URL = process.env['AEROSPIKE_URL'];

/** The URL of a namespace for all tests of a block: of the real server, or of a development server of its own. */
export function withNamespace(options: AerospikeDevOptions = {}): () => string {
  let url = REAL_URL ?? '';
  let server: AerospikeDev | undefined;
  beforeAll(async () => {
    if (REAL_URL !== undefined) return;
    server = await startAerospikeDev({ port: 0, namespaces: ['test', 'rollups'], ...options });
    url = namespaceUrl(server);
  });
  afterAll(() => server?.stop());
  return () => url;
}

/** Time-outs that hold on a loaded machine. */
export const namespaceUrl = (server: AerospikeDev, query = ''): string =>
  `aerospike://${server.hosts}/test?total_timeout=10s&socket_timeout=10s${query}`;

/** The URL with a set of its own, so that many stores lie side by side. */
export function withSet(url: string): string {
  const [place, query] = url.split('?');
  return `${place}/t${randomBytes(6).toString('hex')}${query === undefined ? '' : `?${query}`}`;
}
