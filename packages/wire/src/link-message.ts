/**
 * What two neighbours tell each other inside their session.
 *
 * ```text
 * path probe    random 8 | SHA-256 of the path's binding 32 | address seen: length 1 (0 in a challenge), text
 * fragment      message id 2 | index 1 | count 1 (1 to 16) | piece
 * link message    kind 1 | id 4 | body
 *   1 acknowledge    (the id is that of the message acknowledged)
 *   2 candidates     flags 1 (1 WebRTC, 2 UDP) | host kind 1 | public id 20 (zeros: none) | NAT mapping 1 | port step 2
 *                    | willingness 1 | count 1, each address: length 1, text | count 1, each URL: length 1, text
 *   3 WebRTC signal  connection length 1, text | signal length 2, UTF-8
 *   4 neighbours     count 1 | each: id 20, path kind 1, age in seconds 4, round-trip time in ms 2 (0xffff: not measured)
 * relayed         direction 1 (0 onward, 1 delivered, 2 refused) | peer id 20 | the datagram; refused: reason 1
 * ```
 * A text without a name for its encoding is printable ASCII without blanks.
 */
import { fromUtf8, utf8 } from '@warren/base';
import { PEER_ID_BYTES } from './constants.ts';
import type { PeerId } from './id.ts';
import { Reader, Writer } from './reader.ts';

/** PATH_CHALLENGE and PATH_RESPONSE alike. */
export interface PathProbe {
  /** 8 bytes. */
  readonly token: Uint8Array;
  /** 32 bytes. */
  readonly bindingHash: Uint8Array;
  /** In responses: from where the challenge came, as `192.0.2.7:41641`; empty where paths have no address. */
  readonly seen: string;
}

/** A piece of a message that is larger than a datagram. */
export interface Fragment {
  readonly messageId: number;
  /** From 0, below `count`. */
  readonly index: number;
  /** 1 to 16. */
  readonly count: number;
  /** Not empty. */
  readonly piece: Uint8Array;
}

/** How many pieces a message may have: 16 KiB in pieces of at least 1,024 bytes. */
export const FRAGMENTS_MAX = 16;

/** A message that is sent again until it is acknowledged, or the acknowledgement. */
export type LinkMessage =
  | { readonly kind: 'acknowledge'; readonly id: number }
  | {
      readonly kind: 'candidates';
      readonly id: number;
      readonly webrtc: boolean;
      readonly udp: boolean;
      readonly hostKind: number;
      /** The sender's place in the public overlay, which can carry this link; absent within the public overlay. */
      readonly publicId?: PeerId;
      /** What the sender's NATs do with its UDP socket; -32,768 to 32,767 ports from one mapping to the next, 0: no step. */
      readonly nat: { readonly mapping: NatMapping; readonly portStep: number };
      /** When the sender passes on datagrams for the receiver. */
      readonly willingness: Willingness;
      /** `192.0.2.7:41641`, at most 8. */
      readonly addresses: readonly string[];
      /** `wss://192.0.2.7:443/warren`, at most 2. */
      readonly urls: readonly string[];
    }
  | { readonly kind: 'signal'; readonly id: number; readonly connection: string; readonly signal: string }
  | { readonly kind: 'neighbours'; readonly id: number; readonly neighbours: readonly Neighbour[] };

/** How NATs map one socket: to one address for all destinations, or to one for each (RFC 4787 section 4.1). */
export const NAT_MAPPINGS = ['unknown', 'endpoint-independent', 'endpoint-dependent'] as const;
export type NatMapping = (typeof NAT_MAPPINGS)[number];

/** When a peer relays for others (P3 1.2.2), the most willing first. */
export const WILLINGNESS = ['always', 'on-failure', 'last-resort', 'never'] as const;
export type Willingness = (typeof WILLINGNESS)[number];

/** Kinds of path in neighbour lists; those that go through somebody else are not listed. */
export const DIRECT_KINDS = ['udp', 'webrtc', 'websocket'] as const;
export type DirectKind = (typeof DIRECT_KINDS)[number];

/** Somebody to whom the sender has a direct link, in the sender's words (P2 4.3: stability and proximity). */
export interface Neighbour {
  readonly peer: PeerId;
  readonly kind: DirectKind;
  /** Whole seconds that the link has lasted. */
  readonly ageS: number;
  /** Whole milliseconds; `undefined`: not measured. */
  readonly rttMs: number | undefined;
}

/** Candidate addresses in one message. */
export const CANDIDATES_MAX = 8;
/** WebSocket URLs in one message. */
export const URLS_MAX = 2;
/** Neighbours in one message (overlay.md "Relays": the 16 nearest on the ring and all links, within a bound). */
export const NEIGHBOURS_MAX = 64;
const NOT_MEASURED = 0xffff;
/** Longest WebRTC signal, so that the message stays below 16 KiB. */
const SIGNAL_MAX_BYTES = 15_000;

/** Encodes 41 bytes and the address. */
export function encodePathProbe(m: PathProbe): Uint8Array {
  return putShort(new Writer(96).put(m.token).put(m.bindingHash), m.seen).done();
}

/** Reads a probe; what follows is ignored. `undefined` when cut, or with an address that is not printable ASCII. */
export function decodePathProbe(bytes: Uint8Array): PathProbe | undefined {
  const r = new Reader(bytes);
  const m = { token: r.take(8), bindingHash: r.take(32), seen: shortText(r) };
  return r.failed ? undefined : m;
}

/** Encodes 4 bytes and the piece. */
export function encodeFragment(m: Fragment): Uint8Array {
  return new Writer(4 + m.piece.length).u16(m.messageId).u8(m.index).u8(m.count).put(m.piece).done();
}

/** Reads a fragment, its piece being all that is left; `undefined` for impossible indices and empty pieces. */
export function decodeFragment(bytes: Uint8Array): Fragment | undefined {
  const r = new Reader(bytes);
  const m = { messageId: r.u16(), index: r.u8(), count: r.u8(), piece: r.rest() };
  if (m.count === 0 || m.count > FRAGMENTS_MAX || m.index >= m.count || m.piece.length === 0) r.fail();
  return r.failed ? undefined : m;
}

/** Encodes a message; at most 8 addresses, at most 255 characters in an address or connection. */
export function encodeLinkMessage(m: LinkMessage): Uint8Array {
  const w = new Writer(256);
  switch (m.kind) {
    case 'acknowledge':
      return w.u8(1).u32(m.id).done();
    case 'candidates':
      w.u8(2).u32(m.id);
      w.u8((m.webrtc ? 1 : 0) | (m.udp ? 2 : 0)).u8(m.hostKind);
      w.put(m.publicId ?? new Uint8Array(PEER_ID_BYTES));
      w.u8(NAT_MAPPINGS.indexOf(m.nat.mapping))
        .u16(m.nat.portStep & 0xffff)
        .u8(WILLINGNESS.indexOf(m.willingness));
      for (const texts of [m.addresses, m.urls]) {
        w.u8(texts.length);
        for (const text of texts) putShort(w, text);
      }
      return w.done();
    case 'neighbours':
      w.u8(4).u32(m.id).u8(m.neighbours.length);
      for (const { peer, kind, ageS, rttMs } of m.neighbours) {
        w.put(peer).u8(DIRECT_KINDS.indexOf(kind)).u32(Math.min(ageS, 0xffff_ffff));
        w.u16(Math.min(rttMs ?? NOT_MEASURED, NOT_MEASURED));
      }
      return w.done();
    case 'signal':
      return putShort(w.u8(3).u32(m.id), m.connection).sized(utf8(m.signal)).done();
  }
}

/** Reads a message; what follows is ignored. `undefined` when cut, of an unknown kind or beyond its bounds. */
export function decodeLinkMessage(bytes: Uint8Array): LinkMessage | undefined {
  const r = new Reader(bytes);
  const kind = r.u8();
  const id = r.u32();
  const read = READERS[kind];
  if (read === undefined) return undefined;
  const m = read(r, id);
  return r.failed ? undefined : m;
}

const READERS: Readonly<Record<number, (r: Reader, id: number) => LinkMessage>> = {
  1: (_r, id) => acknowledge(id),
  2: candidates,
  3: signal,
  4: neighbours,
};

function acknowledge(id: number): LinkMessage {
  return { kind: 'acknowledge', id };
}

function candidates(r: Reader, id: number): LinkMessage {
  const flags = r.u8();
  const hostKind = r.u8();
  const publicId = r.take(PEER_ID_BYTES);
  const nat = { mapping: pick(r, NAT_MAPPINGS), portStep: (r.u16() << 16) >> 16 };
  const willingness = pick(r, WILLINGNESS);
  if (flags > 3) r.fail();
  const base = {
    kind: 'candidates',
    id,
    webrtc: (flags & 1) !== 0,
    udp: (flags & 2) !== 0,
    hostKind,
    nat,
    willingness,
    addresses: shortTexts(r, CANDIDATES_MAX),
    urls: shortTexts(r, URLS_MAX),
  } as const;
  return publicId.every(byte => byte === 0) ? base : { ...base, publicId };
}

function neighbours(r: Reader, id: number): LinkMessage {
  const count = r.u8();
  if (count > NEIGHBOURS_MAX) r.fail();
  const list: Neighbour[] = [];
  for (let i = 0; i < count && !r.failed; i++) {
    const [peer, kind, ageS, rttMs] = [r.take(PEER_ID_BYTES), pick(r, DIRECT_KINDS), r.u32(), r.u16()];
    list.push({ peer, kind, ageS, rttMs: rttMs === NOT_MEASURED ? undefined : rttMs });
  }
  return { kind: 'neighbours', id, neighbours: list };
}

function signal(r: Reader, id: number): LinkMessage {
  const connection = shortText(r);
  const text = fromUtf8(r.sized(SIGNAL_MAX_BYTES));
  if (text === undefined) r.fail();
  return { kind: 'signal', id, connection, signal: text ?? '' };
}

/** One of a list by its index. */
function pick<T>(r: Reader, from: readonly [T, ...T[]]): T {
  const picked = from[r.u8()];
  if (picked === undefined) r.fail();
  return picked ?? from[0];
}

function shortTexts(r: Reader, max: number): string[] {
  const count = r.u8();
  if (count > max) r.fail();
  const texts: string[] = [];
  for (let i = 0; i < count && !r.failed; i++) texts.push(shortText(r));
  return texts;
}

/** Writes a text behind its length in bytes. */
function putShort(w: Writer, text: string): Writer {
  const bytes = utf8(text);
  return w.u8(bytes.length).put(bytes);
}

/** A printable ASCII text behind a 1-byte length. */
function shortText(r: Reader): string {
  const bytes = r.take(r.u8());
  if (bytes.some(byte => byte < 0x21 || byte > 0x7e)) r.fail();
  return r.failed ? '' : String.fromCharCode(...bytes);
}
