/**
 * Peer ids and the ring: 160-bit numbers, big-endian, arithmetic modulo 2^160.
 * Distances clockwise (directed) and shortest (undirected). Source: P1 II-A.
 */
import { compareBytes, fromHex, type Random, toHex } from '@warren/base';
import { PEER_ID_BYTES } from './constants.ts';

/** 20 bytes, big-endian: a place on the ring. */
export type PeerId = Uint8Array;

/** 40 lower-case hex digits: a peer id as a key of maps and in views. */
export type PeerKey = string;

/** The map key of an id. */
export function peerKey(id: PeerId): PeerKey {
  return toHex(id);
}

/** The id behind 40 hex digits; `undefined` for anything else. */
export function peerIdFromKey(key: string): PeerId | undefined {
  const id = fromHex(key);
  return id?.length === PEER_ID_BYTES ? id : undefined;
}

/** (a + b) mod 2^160. */
export function addIds(a: PeerId, b: PeerId): PeerId {
  const sum = new Uint8Array(PEER_ID_BYTES);
  let carry = 0;
  for (let i = PEER_ID_BYTES - 1; i >= 0; i--) {
    const digit = (a[i] as number) + (b[i] as number) + carry;
    sum[i] = digit & 0xff;
    carry = digit >> 8;
  }
  return sum;
}

/** (to - from) mod 2^160: how far `to` lies clockwise of `from`. */
export function clockwise(from: PeerId, to: PeerId): PeerId {
  const difference = new Uint8Array(PEER_ID_BYTES);
  let borrow = 0;
  for (let i = PEER_ID_BYTES - 1; i >= 0; i--) {
    const digit = (to[i] as number) - (from[i] as number) - borrow;
    difference[i] = digit & 0xff;
    borrow = digit < 0 ? 1 : 0;
  }
  return difference;
}

/** The shorter way round between two ids, at most 2^159. */
export function ringDistance(a: PeerId, b: PeerId): PeerId {
  const forward = clockwise(a, b);
  const backward = clockwise(b, a);
  return compareBytes(forward, backward) <= 0 ? forward : backward;
}

/** Negative when `a` is nearer to `target` than `b` on the ring, positive when farther; ties go to the smaller id. */
export function compareDistance(target: PeerId, a: PeerId, b: PeerId): number {
  return compareBytes(ringDistance(a, target), ringDistance(b, target)) || compareBytes(a, b);
}

/** A distance or id as a fraction of the ring, in [0, 1), to 53 significant bits of the first 56. */
export function fraction(id: PeerId): number {
  let value = 0;
  for (let i = 6; i >= 0; i--) value = (value + (id[i] as number)) / 256;
  return Math.min(value, 1 - Number.EPSILON / 2);
}

/** The id that lies at a fraction of the ring in [0, 1); bits below 2^-48 come from `random`, or are 0 without it. */
export function idAtFraction(share: number, random?: Random): PeerId {
  const id = random?.bytes(PEER_ID_BYTES) ?? new Uint8Array(PEER_ID_BYTES);
  let rest = share;
  for (let i = 0; i < 6; i++) {
    rest *= 256;
    id[i] = Math.floor(rest);
    rest -= Math.floor(rest);
  }
  return id;
}
