import type { Server } from 'node:http';
import { MillraceError } from '@millrace/core';

/** Why an address cannot be listened on, as INVALID_OPTION where another option would help; else the error itself. */
export function listenError(error: unknown, host: string, port: number): unknown {
  const { code = '' } = error as NodeJS.ErrnoException;
  const reason = REASONS[code];
  if (reason === undefined) return error;
  const field = reason.option;
  return new MillraceError('INVALID_OPTION', `cannot listen on ${host}:${port}: ${reason.text}`, {
    field,
    value: field === 'port' ? port : host,
    cause: error,
  });
}

const REASONS: Readonly<Record<string, { option: 'host' | 'port'; text: string }>> = {
  EADDRINUSE: { option: 'port', text: 'another program has the port, choose another --port' },
  EACCES: { option: 'port', text: 'ports below 1024 need privileges, choose another --port' },
  EADDRNOTAVAIL: { option: 'host', text: 'this machine has no such address, choose another --host' },
  ENOTFOUND: { option: 'host', text: 'there is no such host name, choose another --host' },
};

/** An address that can be opened: the wildcard ones stand for this machine. */
export function urlOf(server: Server, host: string): string {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new MillraceError('INTERNAL', 'the server has no address');
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
  return `http://${name}:${address.port}`;
}
