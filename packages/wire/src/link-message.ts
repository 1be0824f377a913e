/**
 * What two neighbours tell each other inside their session.
 *
 * ```text
 * path probe    random 8 | SHA-256 of the path's binding 32 | address seen: length 1 (0 in a challenge), text
 * fragment      message id 2 | index 1 | count 1 (1 to 16) | piece
 * link message    kind 1 | id 4 | body
 *   1 acknowledge    (the id is that of the message acknowledged)
 *   2 candidates     flags 1 (1 WebRTC, 2 UDP) | host kind 1 | public id 20 (zeros: none) | count 1 | each: length 1, text
 *   3 WebRTC signal  connection length 1, text | signal length 2, UTF-8
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
      /** `192.0.2.7:41641`, at most 8. */
      readonly addresses: readonly string[];
    }
  | { readonly kind: 'signal'; readonly id: number; readonly connection: string; readonly signal: string };

/** Candidate addresses in one message. */
export const CANDIDATES_MAX = 8;
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
      w.put(m.publicId ?? new Uint8Array(PEER_ID_BYTES)).u8(m.addresses.length);
      for (const address of m.addresses) putShort(w, address);
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
  const m = kind === 1 ? acknowledge(id) : kind === 2 ? candidates(r, id) : kind === 3 ? signal(r, id) : undefined;
  return r.failed ? undefined : m;
}

function acknowledge(id: number): LinkMessage {
  return { kind: 'acknowledge', id };
}

function candidates(r: Reader, id: number): LinkMessage {
  const flags = r.u8();
  const hostKind = r.u8();
  const publicId = r.take(PEER_ID_BYTES);
  const count = r.u8();
  if (count > CANDIDATES_MAX || flags > 3) r.fail();
  const addresses: string[] = [];
  for (let i = 0; i < count && !r.failed; i++) addresses.push(shortText(r));
  const base = {
    kind: 'candidates',
    id,
    webrtc: (flags & 1) !== 0,
    udp: (flags & 2) !== 0,
    hostKind,
    addresses,
  } as const;
  return publicId.every(byte => byte === 0) ? base : { ...base, publicId };
}

function signal(r: Reader, id: number): LinkMessage {
  const connection = shortText(r);
  const text = fromUtf8(r.sized(SIGNAL_MAX_BYTES));
  if (text === undefined) r.fail();
  return { kind: 'signal', id, connection, signal: text ?? '' };
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
