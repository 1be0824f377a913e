/**
 * Whom a flood of first messages is charged to (session.md 2.4): addresses
 * that one sender may choose among count as one. Not here: what is charged,
 * and how much, which is for `session`.
 */
import type { PathId } from '@warren/session';
import ipaddr from 'ipaddr.js';
import { parseAddress, udpAddress } from './candidates.ts';

/** Bytes of an IPv6 address that name a network; whoever is in it may take any address of it. */
const NETWORK_BYTES = 8;

/**
 * The group of whoever sends on `path`: the neighbour `via` whom a carried or end-to-end datagram came, an IPv4 address,
 * the first 64 bits of an IPv6 address, or else the path itself, which is one connection. `remote` is the IP address at
 * the other end of a path that does not say it, where it is known; on loopback it is a proxy's, which speaks for many.
 */
export function senderGroup(path: PathId, via: string | undefined, remote?: string): string {
  if (via !== undefined) return `by/${via}`;
  if (path.startsWith('udp/')) return hostGroup(parseAddress(udpAddress(path))?.host) ?? path;
  const isOfOne = remote !== undefined && ipaddr.isValid(remote) && ipaddr.process(remote).range() !== 'loopback';
  return (isOfOne ? hostGroup(remote) : undefined) ?? path;
}

function hostGroup(host: string | undefined): string | undefined {
  if (host === undefined) return undefined;
  const address = ipaddr.process(host);
  const bytes = address.toByteArray();
  return address.kind() === 'ipv4' ? `host/${bytes.join('.')}` : `host/${bytes.slice(0, NETWORK_BYTES).join('.')}/64`;
}
