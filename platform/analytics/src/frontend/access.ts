import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { MillraceError } from '@millrace/core';

/**
 * Who may use `/admin`: whoever has the token, and any program of this machine. A web page in a browser of this
 * machine is no such program: it would carry its own host name (DNS rebinding) or origin. Nor is a proxy.
 *
 * @throws UNAUTHORIZED
 */
export function checkAdminAccess(request: IncomingMessage, token: string | undefined): void {
  const { authorization } = request.headers;
  const allowed =
    authorization === undefined ? isLocal(request) : token !== undefined && hasToken(authorization, token);
  if (allowed) return;
  throw new MillraceError('UNAUTHORIZED', 'administration is for this machine, or for holders of the token', {
    field: 'Authorization',
    accepted: token === undefined ? 'requests to a loopback address' : 'Bearer <token>',
  });
}

function hasToken(authorization: string, token: string): boolean {
  const given = /^Bearer +(.+)$/i.exec(authorization)?.[1] ?? '';
  // Digests have one length, which the comparison needs, and tell nothing about where two tokens differ.
  return timingSafeEqual(digest(given), digest(token));
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Headers that proxies add. One that adds none and rewrites Host looks like a program of this machine: use a token. */
const OF_PROXIES = /^(?:forwarded|via|x-real-ip|x-forwarded-.+)$/;

function isLocal({ socket, headers }: IncomingMessage): boolean {
  if (!isLoopbackAddress(socket.remoteAddress ?? '')) return false;
  if (Object.keys(headers).some((name) => OF_PROXIES.test(name))) return false;
  // What a browser says of a page on another site, which needs no Origin for a plain GET.
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false;
  if (headers.origin !== undefined && !isLoopbackUrl(headers.origin)) return false;
  return isLoopbackUrl(`http://${headers.host ?? ''}`);
}

const isLoopbackAddress = (address: string): boolean =>
  address === '::1' || address.replace(/^::ffff:/, '').startsWith('127.');

function isLoopbackUrl(text: string): boolean {
  const hostname = URL.parse(text)?.hostname;
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname ?? '');
}
