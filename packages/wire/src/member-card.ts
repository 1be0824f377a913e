/**
 * Values of DHT records that a group keeps.
 *
 * ```text
 * member card   version 1 (1) | host kind 1 | address 4 (0: none) | flags 1 | count 1 | ranges: network 4, prefix bits 1
 *               | gateways: Mbit/s 4
 *               flags: 1 wants multicast and broadcast, 2 leads to the Internet, 4 and to that of IPv6;
 *               ranges of addresses behind the member, as a router; Mbit/s 0: it does not say
 * rendezvous    sealed: nonce 24 | XChaCha20-Poly1305 of (public id 20 | member id 20) and tag 16
 * ```
 */
import { PEER_ID_BYTES } from './constants.ts';
import type { PeerId } from './id.ts';
import { Reader, Writer } from './reader.ts';

/** Kinds of host in cards and candidates, by index. */
export const HOST_KINDS = ['browser', 'edge', 'site', 'bootstrap'] as const;
/** One of `HOST_KINDS`. */
export type WireHostKind = (typeof HOST_KINDS)[number];

/** How to show a member of the group. */
export interface MemberCard {
  readonly hostKind: WireHostKind;
  /** IPv4 address as a number; 0 while none is claimed. */
  readonly address: number;
  /** Whether it wants multicast and broadcast of others. */
  readonly hearsGroups: boolean;
  /** Ranges of IPv4 addresses that it leads to: at most `CARD_RANGES_MAX`, host bits zero. */
  readonly ranges: readonly CardRange[];
  /** Whether it leads to the Internet, and to that of IPv6; Mbit/s below 2^32, 0: it does not say. */
  readonly gateway?: { readonly hasIpv6: boolean; readonly capacityMbit: number };
}

/** A range of IPv4 addresses: the lowest as a number, and 0 to 32 bits. */
export interface CardRange {
  readonly network: number;
  readonly prefixBits: number;
}

/** Most ranges of one member. */
export const CARD_RANGES_MAX = 16;

const HEARS_GROUPS = 1;
const IS_GATEWAY = 2;
const HAS_IPV6 = 4;

/** Which member of the group a public peer is; only ever sealed. */
export interface RendezvousEntry {
  readonly publicId: PeerId;
  readonly memberId: PeerId;
}

/** A sealed `RendezvousEntry`: 80 bytes. */
export interface SealedRendezvous {
  /** 24 bytes. */
  readonly nonce: Uint8Array;
  /** 56 bytes: both ids and the tag. */
  readonly sealed: Uint8Array;
}

/** Encodes 8 bytes, 5 for each range, and 4 of a gateway. */
export function encodeMemberCard(m: MemberCard): Uint8Array {
  const writer = new Writer(8).u8(1).u8(HOST_KINDS.indexOf(m.hostKind)).u32(m.address);
  const { gateway } = m;
  const leads = gateway === undefined ? 0 : IS_GATEWAY | (gateway.hasIpv6 ? HAS_IPV6 : 0);
  writer.u8((m.hearsGroups ? HEARS_GROUPS : 0) | leads).u8(m.ranges.length);
  for (const { network, prefixBits } of m.ranges) writer.u32(network).u8(prefixBits);
  if (gateway !== undefined) writer.u32(gateway.capacityMbit);
  return writer.done();
}

/** Reads a card; what follows is ignored. `undefined` when cut, of another version, an unknown kind of host or no ranges. */
export function decodeMemberCard(bytes: Uint8Array): MemberCard | undefined {
  const r = new Reader(bytes);
  if (r.u8() !== 1) r.fail();
  const hostKind = HOST_KINDS[r.u8()];
  const address = r.u32();
  const flags = r.u8();
  const hearsGroups = (flags & HEARS_GROUPS) !== 0;
  const ranges = readRanges(r, r.u8());
  const isGateway = (flags & IS_GATEWAY) !== 0;
  const gateway = isGateway ? { gateway: { hasIpv6: (flags & HAS_IPV6) !== 0, capacityMbit: r.u32() } } : {};
  return r.failed || hostKind === undefined ? undefined : { hostKind, address, hearsGroups, ranges, ...gateway };
}

function readRanges(r: Reader, count: number): CardRange[] {
  if (count > CARD_RANGES_MAX) r.fail();
  const ranges: CardRange[] = [];
  while (ranges.length < count && !r.failed) {
    const range = { network: r.u32(), prefixBits: r.u8() };
    if (range.prefixBits > 32 || range.network % 2 ** (32 - range.prefixBits) !== 0) r.fail();
    ranges.push(range);
  }
  return ranges;
}

/** Encodes 40 bytes. */
export function encodeRendezvousEntry(m: RendezvousEntry): Uint8Array {
  return new Writer(40).put(m.publicId).put(m.memberId).done();
}

/** Reads 40 bytes; what follows is ignored. `undefined` when cut. */
export function decodeRendezvousEntry(bytes: Uint8Array): RendezvousEntry | undefined {
  const r = new Reader(bytes);
  const m = { publicId: r.take(PEER_ID_BYTES), memberId: r.take(PEER_ID_BYTES) };
  return r.failed ? undefined : m;
}

/** Encodes 80 bytes. */
export function encodeSealedRendezvous(m: SealedRendezvous): Uint8Array {
  return new Writer(80).put(m.nonce).put(m.sealed).done();
}

/** Reads 80 bytes; what follows is ignored. `undefined` when cut. */
export function decodeSealedRendezvous(bytes: Uint8Array): SealedRendezvous | undefined {
  const r = new Reader(bytes);
  const m = { nonce: r.take(24), sealed: r.take(2 * PEER_ID_BYTES + 16) };
  return r.failed ? undefined : m;
}
