/**
 * Candidate addresses: which of them we may probe, and how paths are named.
 * Strangers (the public overlay) may not aim us at private networks, so that
 * nobody uses us as a scanner (decisions.md "Trust between strangers").
 */

import type { PathId } from '@warren/session';
import ipaddr from 'ipaddr.js';

/** Kinds of path in the words of views. */
export type PathKind = 'udp' | 'webrtc' | 'websocket' | 'relay' | 'overlay';

/** Which kind a path is, by its prefix (see `host.ts` in `peer`). */
export function pathKind(path: PathId): PathKind {
  if (path.startsWith('udp/')) return 'udp';
  if (path.startsWith('rtc/')) return 'webrtc';
  if (path.startsWith('ws/')) return 'websocket';
  return path.startsWith('relay/') ? 'relay' : 'overlay';
}

/** Direct before relayed before carried: smaller is better. */
export const PATH_RANK: Readonly<Record<PathKind, number>> = { udp: 0, webrtc: 0, websocket: 1, relay: 2, overlay: 3 };

/** `192.0.2.7:41641` or `[2001:db8::1]:41641` in parts; `undefined` for anything else, names included. */
export function parseAddress(text: string): { host: string; port: number } | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]{2,45})\]|([0-9.]{7,15})):([0-9]{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port < 1 || port > 65_535) return undefined;
  const isHost = match?.[1] === undefined ? ipaddr.IPv4.isValidFourPartDecimal(host) : ipaddr.IPv6.isValid(host);
  return isHost ? { host, port } : undefined;
}

/** The remote address in a path of kind `udp`, without the number of an extra socket of ours. */
export function udpAddress(path: PathId): string {
  return path.slice('udp/'.length).replace(/~.*$/, '');
}

/** Ranges (ipaddr.js names) that nobody may send us to. */
const NEVER: ReadonlySet<string> = new Set(['unspecified', 'broadcast', 'multicast']);
/** Ranges that only members of the same group may offer. */
const LOCAL: ReadonlySet<string> = new Set(['private', 'loopback', 'linkLocal', 'uniqueLocal']);

/** Ranges of which nothing is beyond a router: our own host, and whoever shares the cable. */
const NEAR: ReadonlySet<string> = new Set(['loopback', 'linkLocal']);

/** Whether we may send first messages to `address` on the word of a neighbour. */
export function mayProbe(address: string, strangers: boolean): boolean {
  const parsed = parseAddress(address);
  if (parsed === undefined) return false;
  const range = ipaddr.process(parsed.host).range();
  return !NEVER.has(range) && !(strangers && LOCAL.has(range));
}

/** Whether `address` may be that of one other host beyond a router, as far as its range says. */
export function isOfAnother(address: string): boolean {
  const host = parseAddress(address)?.host;
  return host !== undefined && mayProbe(address, false) && !NEAR.has(ipaddr.process(host).range());
}
