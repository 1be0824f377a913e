/**
 * A datagram on its way through a relay, in the session of either leg.
 *
 * ```text
 * direction 1 (0 onward, 1 delivered, 2 refused) | peer id 20 | the datagram, or the reason 1
 * ```
 * Onward names the one it is for, delivered the one it is from, both on the relay's own knowledge of its
 * neighbours; refused the one that the relay cannot or will not reach. Source: P2 4.3.
 */
import { PEER_ID_BYTES } from './constants.ts';
import type { PeerId } from './id.ts';
import { Reader, Writer } from './reader.ts';

const DIRECTIONS = ['onward', 'delivered', 'refused'] as const;

/** Why a relay does not pass a datagram on: no direct link there, no right to ask, a quota is used up, not willing. */
export const REFUSALS = ['no-link', 'no-right', 'quota', 'unwilling'] as const;
export type Refusal = (typeof REFUSALS)[number];

export type Relayed =
  | { readonly direction: 'onward' | 'delivered'; readonly peer: PeerId; readonly datagram: Uint8Array }
  | { readonly direction: 'refused'; readonly peer: PeerId; readonly reason: Refusal };

/** In front of the datagram: direction and peer id. */
export const RELAYED_HEAD_BYTES = 1 + PEER_ID_BYTES;
const [ONWARD, DELIVERED] = [0, 1];

/** For whom an onward message is, as a view; `undefined` when it is another, or cut. */
export function onwardTo(bytes: Uint8Array): PeerId | undefined {
  return bytes[0] === ONWARD && bytes.length > RELAYED_HEAD_BYTES ? bytes.subarray(1, RELAYED_HEAD_BYTES) : undefined;
}

/** Makes of an onward message, in place, what its receiver passes on: the same datagram, delivered from `source`. */
export function passOn(onward: Uint8Array, source: PeerId): void {
  onward[0] = DELIVERED;
  onward.set(source, 1);
}

/** Encodes 21 bytes and the datagram, or 22. */
export function encodeRelayed(m: Relayed): Uint8Array {
  const body = m.direction === 'refused' ? Uint8Array.of(REFUSALS.indexOf(m.reason)) : m.datagram;
  const w = new Writer(1 + PEER_ID_BYTES + body.length);
  return w.u8(DIRECTIONS.indexOf(m.direction)).put(m.peer).put(body).done();
}

/** Reads one; the datagram is a view of `bytes`. `undefined` when cut, empty or of an unknown kind. */
export function decodeRelayed(bytes: Uint8Array): Relayed | undefined {
  const r = new Reader(bytes);
  const direction = DIRECTIONS[r.u8()];
  const peer = r.take(PEER_ID_BYTES);
  const datagram = r.rest();
  const [first] = datagram;
  if (r.failed || direction === undefined || first === undefined) return undefined;
  if (direction !== 'refused') return { direction, peer, datagram };
  const reason = datagram.length === 1 ? REFUSALS[first] : undefined;
  return reason && { direction, peer, reason };
}
