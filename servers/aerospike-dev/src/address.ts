/** Addresses that stand for every interface, and the one of this machine that a client uses instead. */
const EVERY_INTERFACE: ReadonlyMap<string, string> = new Map([
  ['0.0.0.0', '127.0.0.1'],
  ['::', '::1'],
]);

/** An address as it stands before a port: IPv6 in brackets. */
export const inUrl = (address: string): string => (address.includes(':') ? `[${address}]` : address);

/** Where a client on this machine reaches a server that listens on the address. */
export const reachable = (host: string): string => inUrl(EVERY_INTERFACE.get(host) ?? host);
