import { createLogger, createMetrics, type Logger } from '@millrace/core';
import { onTestFinished } from 'vitest';
import {
  createFrontend,
  type Frontend,
  type FrontendOptions,
  type PlatformStatus,
} from '../../../src/frontend/index.ts';
import { MemoryBackend } from './memory-backend.ts';

export const OPTIONS: FrontendOptions = {
  host: '127.0.0.1',
  port: 0,
  defaultLimit: 200,
  maxRangeMs: 60 * 60_000,
  maxFutureMs: 24 * 3_600_000,
  logRequests: true,
  logHeaders: false,
  logBody: false,
  maxLagMs: 10_000,
  adminToken: undefined,
};

export const RUNNING: PlatformStatus = {
  state: 'running',
  logWritable: true,
  processorRunning: true,
  stateReadable: true,
  lag: { records: 0, ms: 0 },
  accepted: 0,
  applied: 0,
  late: 0,
  duplicates: 0,
  deadLetters: 0,
  logBytes: 0,
  stateBytes: 0,
  startedAt: 0,
};

/** The clock of the frontends under test: a day after most tags of the tests. */
export const NOW = Date.parse('2022-03-23T12:00:00Z');

/** The tag of the interface's first description. */
export const TAG = {
  time: '2022-03-22T12:15:00.000Z',
  cookie: 'alice',
  country: 'PL',
  device: 'PC',
  action: 'VIEW',
  origin: 'shop',
  product_info: { product_id: 7, brand_id: 'Nike', category_id: 'shoes', price: 1000 },
};

export interface TestFrontend {
  readonly url: string;
  readonly backend: MemoryBackend;
  readonly frontend: Frontend;
  /** Change it to change what the platform reports. */
  status: PlatformStatus;
  readonly request: (path: string, init?: RequestInit) => Promise<Response>;
  readonly postTag: (tag: unknown, headers?: Record<string, string>) => Promise<Response>;
  /** Sends tags one after the other, each with the given changes, and expects them to be taken. */
  readonly store: (...changes: TagChanges[]) => Promise<void>;
}

export type TagChanges = Partial<Omit<typeof TAG, 'product_info'>> & {
  product_info?: Partial<Omit<typeof TAG.product_info, 'product_id'>> & { product_id?: string | number };
};

export const tagWith = ({ product_info, ...changes }: TagChanges = {}) => ({
  ...TAG,
  ...changes,
  product_info: { ...TAG.product_info, ...product_info },
});

/** A frontend on a free port, stopped when the test is over. */
export async function startFrontend(
  options: Partial<FrontendOptions> = {},
  logger: Logger = createLogger({ level: 'silent', name: 'test' }),
): Promise<TestFrontend> {
  const backend = new MemoryBackend();
  const metrics = createMetrics({ process: false });
  const frontend = await createFrontend(
    { log: backend.log, state: backend.state, logger, metrics, now: () => NOW, status: () => test.status },
    { ...OPTIONS, ...options },
  );
  const { url } = await frontend.start();
  onTestFinished(() => frontend.stop({ deadlineMs: 100 }));
  const request = (path: string, init?: RequestInit): Promise<Response> => fetch(url + path, init);
  const postTag = (tag: unknown, headers: Record<string, string> = {}): Promise<Response> =>
    request('/user_tags', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof tag === 'string' ? tag : JSON.stringify(tag),
    });
  const test: TestFrontend = {
    url,
    backend,
    frontend,
    status: RUNNING,
    request,
    postTag,
    async store(...changes) {
      for (const change of changes) {
        const response = await postTag(tagWith(change));
        if (response.status !== 204) throw new Error(await response.text());
      }
    },
  };
  return test;
}

export interface ErrorBody {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly field?: string;
    readonly value?: unknown;
    readonly accepted?: string;
  };
}

/** Status and error of a refused request. */
export async function refusal(response: Response): Promise<{ status: number } & ErrorBody['error']> {
  const { error } = (await response.json()) as ErrorBody;
  return { status: response.status, ...error };
}
