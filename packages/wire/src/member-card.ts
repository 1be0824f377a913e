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
export type WireHostKind = (typeof HOST_KINDS)[number];

export interface MemberCard {
  readonly hostKind: WireHostKind;
  /** IPv4 address as a number; 0 while none is claimed. */
  readonly address: number;
}

export interface RendezvousEntry {
  readonly publicId: PeerId;
  readonly memberId: PeerId;
}

export interface SealedRendezvous {
  readonly nonce: Uint8Array;
  readonly sealed: Uint8Array;
}

export function encodeMemberCard(m: MemberCard): Uint8Array {
  return new Writer(6).u8(1).u8(HOST_KINDS.indexOf(m.hostKind)).u32(m.address).done();
}

export function decodeMemberCard(bytes: Uint8Array): MemberCard | undefined {
  const r = new Reader(bytes);
  if (r.u8() !== 1) r.fail();
  const hostKind = HOST_KINDS[r.u8()];
  const address = r.u32();
  return r.failed || hostKind === undefined ? undefined : { hostKind, address };
}

export function encodeRendezvousEntry(m: RendezvousEntry): Uint8Array {
  return new Writer(40).put(m.publicId).put(m.memberId).done();
}

export function decodeRendezvousEntry(bytes: Uint8Array): RendezvousEntry | undefined {
  const r = new Reader(bytes);
  const m = { publicId: r.take(PEER_ID_BYTES), memberId: r.take(PEER_ID_BYTES) };
  return r.failed ? undefined : m;
}

export function encodeSealedRendezvous(m: SealedRendezvous): Uint8Array {
  return new Writer(80).put(m.nonce).put(m.sealed).done();
}

export function decodeSealedRendezvous(bytes: Uint8Array): SealedRendezvous | undefined {
  const r = new Reader(bytes);
  const m = { nonce: r.take(24), sealed: r.take(2 * PEER_ID_BYTES + 16) };
  return r.failed ? undefined : m;
}
