/**
 * The overlay header: 48 bytes in front of everything that crosses more than
 * one link (decisions.md).
 *
 * ```text
 * 0 version and type 1 (version in the two high bits) | 1 mode 1 | 2 hops left 1 | 3 flags 1
 * 4 request id 4 | 8 source 20 | 28 target 20 | 48 payload
 * ```
 */
import { OVERLAY_HEADER_BYTES, PEER_ID_BYTES } from './constants.ts';
import type { PeerId } from './id.ts';
import { Reader, Writer } from './reader.ts';

/** What an overlay datagram carries. */
export const OverlayType = {
  /** Ids that the sender is linked to; between neighbours only. */
  NEIGHBOURS: 1,
  /** Who is nearest to the target? */
  FIND: 2,
  FOUND: 3,
  /** A point-to-point session datagram of a link that has no direct path yet, or of another overlay. */
  CARRIED: 4,
  /** An end-to-end session datagram. */
  ETE: 5,
  DHT_REQUEST: 6,
  DHT_ANSWER: 7,
  /** Part of a broadcast: the receiver answers for an arc of the ring. */
  BROADCAST: 8,
  /** Asks all peers of an arc for their state, added up on the way back. */
  GATHER: 9,
  GATHERED: 10,
  /** What does exactly this peer see of the ring? Crawls ask so. */
  PEEK: 11,
  PEEKED: 12,
  /** A holder tells a watcher what changed under a key. */
  DHT_NOTIFY: 13,
} as const;
/** One of the values of `OverlayType`: 1 to 13. */
export type OverlayType = (typeof OverlayType)[keyof typeof OverlayType];

/** Who a datagram is for: only that id, whoever is nearest, back along the way of a request, or the nearest and those beside it. */
export const OverlayMode = { EXACT: 1, NEAREST: 2, ANSWER: 3, REGION: 4 } as const;
/** One of the values of `OverlayMode`: 1 to 4. */
export type OverlayMode = (typeof OverlayMode)[keyof typeof OverlayMode];

/**
 * `NOT_TARGET`: the nearest peer other than the target itself, for joining beside one's own id. `RESTING`: the sender, a
 * hidden tab or on battery, wants to be chosen last for duties. `COPY`: from the nearest peer to those beside it.
 */
export const OverlayFlag = { NOT_TARGET: 1, RESTING: 2, COPY: 4 } as const;

/** Hops a datagram may make; greedy routing needs about log2 N. */
export const HOPS_MAX = 32;

/** One datagram of the overlay, header and payload. */
export interface OverlayDatagram {
  readonly type: OverlayType;
  readonly mode: OverlayMode;
  /** 0 to 32. */
  readonly hopsLeft: number;
  /** Bits of `OverlayFlag`; unknown ones are kept. */
  readonly flags: number;
  /** Random; pairs answers with requests. 0 where no answer is expected. */
  readonly requestId: number;
  readonly source: PeerId;
  readonly target: PeerId;
  readonly payload: Uint8Array;
}

const VERSION_BITS = 0x40;

/** Encodes 48 bytes and the payload. */
export function encodeOverlayDatagram(m: OverlayDatagram): Uint8Array {
  return new Writer(OVERLAY_HEADER_BYTES + m.payload.length)
    .u8(VERSION_BITS | m.type)
    .u8(m.mode)
    .u8(m.hopsLeft)
    .u8(m.flags)
    .u32(m.requestId)
    .put(m.source)
    .put(m.target)
    .put(m.payload)
    .done();
}

/** Reads a datagram, its payload being all that is left; `undefined` for unknown versions, types and modes. */
export function decodeOverlayDatagram(bytes: Uint8Array): OverlayDatagram | undefined {
  const r = new Reader(bytes);
  const first = r.u8();
  const m = {
    type: (first & 0x3f) as OverlayType,
    mode: r.u8() as OverlayMode,
    hopsLeft: r.u8(),
    flags: r.u8(),
    requestId: r.u32(),
    source: r.take(PEER_ID_BYTES),
    target: r.take(PEER_ID_BYTES),
    payload: r.rest(),
  };
  if ((first & 0xc0) !== VERSION_BITS) r.fail();
  if (m.type < OverlayType.NEIGHBOURS || m.type > OverlayType.DHT_NOTIFY) r.fail();
  if (m.mode < OverlayMode.EXACT || m.mode > OverlayMode.REGION || m.hopsLeft > HOPS_MAX) r.fail();
  return r.failed ? undefined : m;
}

/** The ids of NEIGHBOURS and FOUND: count 1, then 20 bytes each; at most 64. */
export function encodePeerIds(ids: readonly PeerId[]): Uint8Array {
  const w = new Writer(1 + ids.length * PEER_ID_BYTES).u8(ids.length);
  for (const id of ids) w.put(id);
  return w.done();
}

/** How many ids one message may name. */
export const PEER_IDS_MAX = 64;

/** Reads a list of ids; what follows is ignored. `undefined` when cut, or for more than 64. */
export function decodePeerIds(bytes: Uint8Array): PeerId[] | undefined {
  const r = new Reader(bytes);
  const count = r.u8();
  if (count > PEER_IDS_MAX) return undefined;
  const ids: PeerId[] = [];
  for (let i = 0; i < count && !r.failed; i++) ids.push(r.take(PEER_ID_BYTES));
  return r.failed ? undefined : ids;
}
