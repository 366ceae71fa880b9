import { readFile } from 'node:fs/promises';

import { MillraceError } from '@millrace/core';
import type { BaseOptions } from '@platformatic/kafka';

import type { TopicAddress } from './url.ts';

/** What all clients of one address share, with the files of certificates read. */
export type ClientOptions = BaseOptions;

const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 400;

/** @throws INVALID_OPTION when a file of certificates cannot be read */
export async function clientOptions(address: TopicAddress): Promise<ClientOptions> {
  const { brokers, clientId, username, password, saslMechanism, connectTimeout, requestTimeout } = address;
  return {
    clientId: clientId.replaceAll(/\s/g, '-'),
    bootstrapBrokers: [...brokers],
    connectTimeout,
    requestTimeout,
    retryDelay: (_client, _operation, attempt) => retryDelay(attempt),
    ...(username === undefined
      ? {}
      : { sasl: { mechanism: saslMechanism, username, ...(password === undefined ? {} : { password }) } }),
    ...(address.tls ? { tls: await tlsOptions(address), tlsServerName: !brokers.some(isAddress) } : {}),
  };
}

/** Doubled up to a cap that keeps a consumer or publisher within a second of its broker's return; jittered. */
export function retryDelay(attempt: number): number {
  const whole = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(attempt - 1, 10));
  return Math.round(whole * (0.5 + Math.random() * 0.5));
}

/** TLS names hosts only; brokers that share an address are told apart by that name. */
const isAddress = (broker: string): boolean => /^(\[|[\d.]+(:|$))/.test(broker);

async function tlsOptions({ tlsCa, tlsCert, tlsKey }: TopicAddress): Promise<NonNullable<BaseOptions['tls']>> {
  const [ca, cert, key] = await Promise.all([pem('tls_ca', tlsCa), pem('tls_cert', tlsCert), pem('tls_key', tlsKey)]);
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
}

async function pem(field: string, file: string | undefined): Promise<Buffer | undefined> {
  if (file === undefined) return undefined;
  try {
    return await readFile(file);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new MillraceError('INVALID_OPTION', `the file of ${field} cannot be read: ${reason}`, {
      field,
      value: file,
      accepted: 'a readable PEM file',
      cause,
    });
  }
}
