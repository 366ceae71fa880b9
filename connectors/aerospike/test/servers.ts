import { randomBytes } from 'node:crypto';

import type { AerospikeDev, AerospikeDevOptions } from '@millrace/aerospike-dev';
import { type AerospikeServer, startAerospike } from '@millrace/testkit';
import { afterAll, beforeAll } from 'vitest';

/** The URL of a namespace for all tests of a block: of the real server in `AEROSPIKE_URL`, or of a development server. */
export function withNamespace(options: AerospikeDevOptions = {}): () => string {
  let server: AerospikeServer | undefined;
  beforeAll(async () => {
    server = await startAerospike({ namespaces: ['test', 'rollups'], ...options });
  });
  afterAll(() => server?.stop());
  return () => (server?.dev === undefined ? (server?.url ?? '') : namespaceUrl(server.dev));
}

/** Time-outs that hold on a loaded machine. */
export const namespaceUrl = (server: AerospikeDev, query = ''): string =>
  `aerospike://${server.hosts}/test?total_timeout=10s&socket_timeout=10s${query}`;

/** The URL with a set of its own, so that many stores lie side by side. */
export function withSet(url: string): string {
  const [place, query] = url.split('?');
  return `${place}/t${randomBytes(6).toString('hex')}${query === undefined ? '' : `?${query}`}`;
}
