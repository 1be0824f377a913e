/**
 * Whom a flood of first messages is charged to (session.md 2.4): addresses
 * that one sender may choose among count as one. Not here: what is charged,
 * and how much, which is for `session`.
 */
import type { PathId } from '@warren/session';
import ipaddr from 'ipaddr.js';
import { parseAddress } from './candidates.ts';

/** Bytes of an IPv6 address that name a network; whoever is in it may take any address of it. */
const NETWORK_BYTES = 8;

/**
 * The group of whoever sends on `path`: an IPv4 address, the first 64 bits of an IPv6 address, the neighbour `via` whom
 * an end-to-end datagram came, or else the path itself, which is one connection or one carried peer.
 */
export function senderGroup(path: PathId, via: string | undefined): string {
  if (via !== undefined) return `by/${via}`;
  const host = path.startsWith('udp/') ? parseAddress(path.slice('udp/'.length))?.host : undefined;
  if (host === undefined) return path;
  const address = ipaddr.process(host);
  const bytes = address.toByteArray();
  return address.kind() === 'ipv4' ? `udp/${bytes.join('.')}` : `udp/${bytes.slice(0, NETWORK_BYTES).join('.')}/64`;
}
