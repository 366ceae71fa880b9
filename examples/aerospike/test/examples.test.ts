import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { basic } from '../src/basic.ts';
import { bulk } from '../src/bulk.ts';
import type { Example } from '../src/example.ts';
import { iotDevices } from '../src/iot-devices.ts';
import { performanceMonitor } from '../src/performance-monitor.ts';
import { read } from '../src/read.ts';
import { retry } from '../src/retry.ts';
import { openServer, type Server } from '../src/server.ts';
import { sessions } from '../src/sessions.ts';
import { sets } from '../src/sets.ts';
import { severalNamespaces } from '../src/several-namespaces.ts';
import { splitLargeRecord } from '../src/split-large-record.ts';
import { timeSeries } from '../src/time-series.ts';
import { timeToLive } from '../src/time-to-live.ts';
import { userProfiles } from '../src/user-profiles.ts';

/** For the busiest machine. */
const PATIENT = 'total_timeout=60s&socket_timeout=60s';

let server: Server;
beforeAll(async () => {
  server = await openServer();
});
afterAll(() => server.stop());

const urlOf: Server['urlOf'] = (namespace, set) => `${server.urlOf(namespace, set)}?${PATIENT}`;

async function printedBy(example: Example, scale = 0.01): Promise<string[]> {
  const lines: string[] = [];
  await example({ urlOf, scale, print: (line) => void lines.push(line) });
  return lines;
}

describe('the examples of Aerospike print what they say', () => {
  it.each<[string, Example, readonly RegExp[]]>([
    ['basic', basic, [/^Published 1 message\(s\)$/]],
    ['user profiles', userProfiles, [/^User profile stored$/]],
    ['devices', iotDevices, [/^Published 3 device readings$/]],
    ['sessions', sessions, [/^Created session: [\da-f-]{36}$/]],
    ['time series', timeSeries, [/^Stored 1 metric snapshots$/]],
    ['several namespaces', severalNamespaces, [/^users: 1$/, /^orders: 1$/, /^logs: 1$/]],
    ['time to live', timeToLive, [/^TTL: 3[3-6]\d\d seconds$/, /^TTL: [1-6]?\d seconds$/]],
    ['sets', sets, [/^active_users: User 1$/, /^inactive_users: User 2$/, /^deleted_users: User 3$/]],
    [
      'performance',
      performanceMonitor,
      [
        /^Total: 10$/,
        ...['Mean', 'Median', 'Min', 'Max', 'P95'].map((name) => new RegExp(`^${name}: \\d+\\.\\d\\d ms$`)),
      ],
    ],
    [
      'retries',
      retry,
      [/^Published: true$/, /^Attempt 1 failed: No __dagserver_key/, /^Attempt 2/, /^Attempt 3/, /^Published: false$/],
    ],
    [
      'a large record',
      splitLargeRecord,
      [/^20 records, from data_chunk_0 to data_chunk_1900000; read back whole: true$/],
    ],
    [
      'reading',
      read,
      [
        /^sensor_001: generation \d+, temperature 22$/,
        /^sensor_001: 22$/,
        /^sensor_002: 25$/,
        /^sensor_999: not found$/,
        /^sensor_001: 22 in warehouse_a$/,
        /^sensor_002: 25 in warehouse_a$/,
      ],
    ],
  ])('%s', async (_, example, patterns) => {
    const lines = await printedBy(example);
    expect(lines).toEqual(patterns.map((pattern) => expect.stringMatching(pattern)));
  });

  it('bulk, with a line per thousand', async () => {
    expect(await printedBy(bulk, 0.2)).toEqual([
      'Published 1000 events...',
      'Published 2000 events...',
      'Total events: 2000',
      expect.stringMatching(/^Duration: \d+\.\d\d seconds$/),
      expect.stringMatching(/^Throughput: \d+\.\d\d events\/second$/),
    ]);
  });
});
