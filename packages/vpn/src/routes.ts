/**
 * What lies behind other members: ranges of IPv4 addresses that a router announces, or the whole Internet behind a
 * gateway. As in crypto-routing, one table says both where packets go and from whom they may come.
 * Not here: who may announce what, and which gateway is chosen.
 */
import { type PeerId, type PeerKey, peerKey } from '@warren/wire';
import { parseAddress, printAddress } from './subnet.ts';

/** A range of addresses. */
export interface Range {
  /** Its lowest address as a number; the host bits are zero. */
  readonly network: number;
  /** 0 to 32. */
  readonly prefixBits: number;
}

/** A range behind a member. */
export interface Route {
  readonly range: Range;
  readonly peerId: PeerId;
}

/** Reads `192.168.5.0/24`; `undefined` unless its host bits are zero. */
export function parseRange(text: string): Range | undefined {
  const [address, bits, more] = text.split('/');
  if (address === undefined || bits === undefined || more !== undefined || !/^(0|[1-9][0-9]?)$/.test(bits)) return;
  const range = { network: parseAddress(address) ?? Number.NaN, prefixBits: Number(bits) };
  return isRange(range) ? range : undefined;
}

/** Prints `192.168.5.0/24`. */
export function printRange({ network, prefixBits }: Range): string {
  return `${printAddress(network)}/${prefixBits}`;
}

/** Whether the numbers form a range. */
export function isRange({ network, prefixBits }: Range): boolean {
  if (!Number.isInteger(network) || network < 0 || network >= 2 ** 32) return false;
  if (!Number.isInteger(prefixBits) || prefixBits < 0 || prefixBits > 32) return false;
  return network % 2 ** (32 - prefixBits) === 0;
}

/** Whether a range has an address. */
export function inRange({ network, prefixBits }: Range, address: number): boolean {
  return address >= network && address < network + 2 ** (32 - prefixBits);
}

/** Whether two ranges share an address. */
export function rangesOverlap(a: Range, b: Range): boolean {
  return inRange(a, b.network) || inRange(b, a.network);
}

/** The ranges behind other members; among several that fit, the narrowest counts. */
export class Routes {
  /** Narrowest first; behind it, in the order given, who leads there. */
  private table: { readonly range: Range; readonly peers: Map<PeerKey, PeerId> }[] = [];

  /** Replaces all. Where several members lead to one range, the first is used and all may send from it. */
  set(routes: readonly Route[]): void {
    const byRange = new Map<string, { range: Range; peers: Map<PeerKey, PeerId> }>();
    for (const { range, peerId } of routes) {
      const entry = byRange.get(printRange(range)) ?? { range, peers: new Map<PeerKey, PeerId>() };
      entry.peers.set(peerKey(peerId), peerId);
      byRange.set(printRange(range), entry);
    }
    this.table = [...byRange.values()].sort((a, b) => b.range.prefixBits - a.range.prefixBits);
  }

  /** The ranges, narrowest first. */
  get ranges(): Range[] {
    return this.table.map(({ range }) => range);
  }

  /** Whom a packet to the address is sent to; `undefined` when nobody leads there. */
  next(address: number): PeerId | undefined {
    return this.entryFor(address)?.peers.values().next().value;
  }

  /** Whether a packet from the address may come from the peer. */
  mayComeFrom(address: number, peerId: PeerId): boolean {
    return this.entryFor(address)?.peers.has(peerKey(peerId)) ?? false;
  }

  private entryFor(address: number) {
    return this.table.find(({ range }) => inRange(range, address));
  }
}
