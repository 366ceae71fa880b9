import type { OptionValues, Options } from '@millrace/core';
import { ERRORS, MillraceError, defineOptions, readOwner, stringOption } from '@millrace/core';
import type { ErrorCode, ErrorDetails } from '@millrace/core';
import { DEFAULT_DATA_DIRECTORY } from './options.ts';
import { dataFlag } from './shell.ts';

/** How every command that speaks to a running platform finds it. */
export const clientOptions = {
  url: stringOption({
    flag: 'url',
    env: 'MILLRACE_URL',
    optional: true,
    description: 'Address of the platform; by default that of the one running on --data',
  }),
  data: stringOption({
    flag: 'data',
    env: 'MILLRACE_DATA',
    default: DEFAULT_DATA_DIRECTORY,
    description: 'Data directory of the running platform',
  }),
  adminToken: stringOption({
    env: 'MILLRACE_ADMIN_TOKEN',
    secret: true,
    optional: true,
    description: 'Token of /admin; by default that of the platform running on --data',
  }),
} as const;

const located = defineOptions('client', clientOptions);
export type ClientOptions = OptionValues<Options<(typeof located)['definitions']>>;

/** Speaks to a running platform. */
export interface PlatformClient {
  readonly url: string;
  /** JSON of a 2xx answer. @throws the error that the platform answered with; NOT_RUNNING when nobody answers */
  json<T>(method: 'GET' | 'POST', path: string): Promise<T>;
  /** Any answer, read to its end. @throws NOT_RUNNING */
  send(method: 'GET' | 'POST', path: string, init?: SendInit): Promise<Answer>;
}

export interface SendInit {
  readonly body?: Uint8Array | string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** @throws NOT_RUNNING when there is no --url and nothing runs on --data; INVALID_OPTION for a bad address */
export async function findPlatform({ url, data, adminToken }: ClientOptions): Promise<PlatformClient> {
  if (url !== undefined) {
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
      const accepted = 'an address such as http://127.0.0.1:8080';
      throw new MillraceError('INVALID_OPTION', `--url: ${JSON.stringify(url)} is not ${accepted}`, {
        field: '--url',
        value: url,
        accepted,
      });
    }
    return createClient(url, adminToken);
  }
  const owner = await readOwner(data);
  if (owner !== undefined) return createClient(owner.url, adminToken ?? owner.adminToken);
  throw new MillraceError(
    'NOT_RUNNING',
    `no platform is running on the data directory ${data}. Start one with \`npx millrace up${dataFlag(data)}\`, or give the --url of another`,
    { field: '--data', value: data },
  );
}

export function createClient(url: string, adminToken: string | undefined): PlatformClient {
  const send = async (method: string, path: string, { body, headers, signal }: SendInit = {}): Promise<Answer> => {
    // The token is for /admin alone: other routes need none, and their requests may be logged.
    const authorization = adminToken && path.startsWith('/admin/') ? { authorization: `Bearer ${adminToken}` } : {};
    try {
      const response = await fetch(new URL(path, url), {
        method,
        headers: { ...authorization, ...headers },
        ...(body !== undefined && { body }),
        ...(signal !== undefined && { signal }),
      });
      return { status: response.status, headers: response.headers, text: await response.text() };
    } catch (error) {
      if (signal?.aborted === true) throw error;
      throw new MillraceError('NOT_RUNNING', `nobody answers at ${url}: ${reasonOf(error)}. Is it running there?`, {
        field: '--url',
        value: url,
        cause: error,
      });
    }
  };
  return {
    url,
    send,
    async json<T>(method: 'GET' | 'POST', path: string): Promise<T> {
      const answer = await send(method, path);
      if (answer.status >= 300) throw errorOf(answer, url);
      return JSON.parse(answer.text) as T;
    },
  };
}

const reasonOf = (error: unknown): string => {
  const { cause, message } = error as Error;
  return cause instanceof Error && cause.message !== '' ? cause.message : message;
};

/** The error that a platform answered with, under its own code where it is one of ours. */
export function errorOf({ status, text }: Answer, url: string): MillraceError {
  const { code, message, ...details } = parseError(text);
  const known: ErrorCode = code !== undefined && Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : 'INTERNAL';
  if (known === 'UNAUTHORIZED') {
    const advice = 'set MILLRACE_ADMIN_TOKEN to the token that it was started with';
    return new MillraceError(known, `${url}: ${message}: ${advice}`, { field: 'MILLRACE_ADMIN_TOKEN' });
  }
  return new MillraceError(known, message ?? `${url} answered with status ${status}: ${text.slice(0, 200)}`, details);
}

interface AnsweredError extends ErrorDetails {
  readonly code?: string;
  readonly message?: string;
}

function parseError(text: string): AnsweredError {
  try {
    return (JSON.parse(text) as { error?: AnsweredError }).error ?? {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}
