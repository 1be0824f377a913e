/**
 * Values of DHT records that a group keeps.
 *
 * ```text
 * member card   version 1 (1) | host kind 1 | address 4 (0: none)
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
}

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

/** Encodes 6 bytes. */
export function encodeMemberCard(m: MemberCard): Uint8Array {
  return new Writer(6).u8(1).u8(HOST_KINDS.indexOf(m.hostKind)).u32(m.address).done();
}

/** Reads 6 bytes; what follows is ignored. `undefined` when cut, of another version or an unknown kind of host. */
export function decodeMemberCard(bytes: Uint8Array): MemberCard | undefined {
  const r = new Reader(bytes);
  if (r.u8() !== 1) r.fail();
  const hostKind = HOST_KINDS[r.u8()];
  const address = r.u32();
  return r.failed || hostKind === undefined ? undefined : { hostKind, address };
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
