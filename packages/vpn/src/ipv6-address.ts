/**
 * IPv6 inside a group: addresses that need no claim, because each follows from its owner's peer id.
 *
 * ```text
 *  0    1                     6         8                             16
 * +----+---------------------+---------+------------------------------+
 * | fd | SHA-256 of group, 5 | zeros 2 | first 8 bytes of the peer id |   a member
 * +----+---------------------+---------+------------------------------+
 * |            prefix of the group, /64 | 0 ... 0 1                    |   services of each member itself
 * +--------------------------------------+------------------------------+
 * ```
 *
 * Source: RFC 4193, section 3; the interface part is opaque (RFC 7136).
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { concat, utf8 } from '@warren/base';
import type { PeerId } from '@warren/wire';
import ipaddr from 'ipaddr.js';

/** Bits of a group's prefix. */
export const PREFIX_6_BITS = 64;

const PREFIX_BYTES = 8;
const LOCAL_ASSIGNED = 0xfd;

/** The prefix of a group, 8 bytes. `group` is its id. */
export function prefixOf(group: string): Uint8Array {
  const prefix = new Uint8Array(PREFIX_BYTES);
  prefix[0] = LOCAL_ASSIGNED;
  prefix.set(sha256(concat(utf8('warren-ula/1'), utf8(group))).subarray(0, 5), 1);
  return prefix;
}

/** The address of a member, 16 bytes. */
export function memberAddress6(prefix: Uint8Array, peerId: PeerId): Uint8Array {
  return concat(prefix, peerId.subarray(0, PREFIX_BYTES));
}

/** The virtual address of an edge's own services. */
export function serviceAddress6(prefix: Uint8Array): Uint8Array {
  return concat(prefix, Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1));
}

/** Whether these bytes stand at `at`: an address, or the prefix of one. */
export function hasAddress6(bytes: Uint8Array, at: number, wanted: Uint8Array): boolean {
  for (let i = 0; i < wanted.length; i++) if (bytes[at + i] !== wanted[i]) return false;
  return true;
}

/** Whether the address at `at` is that of a member. */
export function isOfMember6(bytes: Uint8Array, at: number, prefix: Uint8Array, peerId: PeerId): boolean {
  if (!hasAddress6(bytes, at, prefix)) return false;
  for (let i = 0; i < PREFIX_BYTES; i++) if (bytes[at + PREFIX_BYTES + i] !== peerId[i]) return false;
  return true;
}

/** Whether an address at `at` is one of the Internet: global unicast, 2000::/3 (RFC 4291, section 2.4). */
export function isInternet6(bytes: Uint8Array, at: number): boolean {
  return ((bytes[at] ?? 0) & 0xe0) === 0x20;
}

/** Prints an address of 16 bytes as RFC 5952 says. */
export function printAddress6(address: Uint8Array): string {
  return ipaddr.fromByteArray([...address]).toString();
}
