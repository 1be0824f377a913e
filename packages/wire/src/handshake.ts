/**
 * The handshake datagrams around the Noise messages (session.md 2.3 as
 * decisions.md amends it). Only framing: what is inside is Noise XX.
 *
 * ```text
 * HS1     0 type 1 | 1 version 1 | 2 reserved 2 | 4 sender index 4 | 8 Noise message 48: e 32, clear payload 16
 *         56 zeros 232 | 288 mac1 16 | 304 mac2 16                                                  = 320
 * HS2/3   0 type 1 | 1 version 1 | 2 reserved 2 | 4 sender index 4 | 8 receiver index 4 | 12 Noise message
 * COOKIE  0 type 1 | 1 version 1 | 2 reserved 2 | 4 receiver index 4 | 8 nonce 24 | 32 sealed cookie 16+16 =  64
 * NOSESS  0 type 1 | 1 version 1 | 2 reserved 2 | 4 unknown index 4 | 8 counter of that datagram 8  = 16
 * clear payload of HS1: attempt 8 | flags 2 | max datagram 2 | reserved 4
 * sealed payload of HS2, HS3: flags 4 | initiator index 4 | responder index 4 | unix ms 8 | max datagram 2
 *         | revocation head 78: sequence 6, signed at 8, signature 64 | leaf length 2 | leaf | statement 113
 * ```
 */
import {
  COOKIE_BYTES,
  HANDSHAKE_MAX_BYTES,
  HS1_BYTES,
  LEAF_MAX_BYTES,
  MAC_BYTES,
  NOSESS_BYTES,
  PacketType,
  SESSION_VERSION,
  STATEMENT_BYTES,
  TAG_BYTES,
} from './constants.ts';
import { Reader, Writer } from './reader.ts';

/** Where mac1 begins: it covers all bytes before. */
export const HS1_MAC1_OFFSET = HS1_BYTES - 2 * MAC_BYTES;

/** Where mac2 begins: it covers all bytes before. */
export const HS1_MAC2_OFFSET: number = HS1_BYTES - MAC_BYTES;

const HS1_NOISE_BYTES = 48;
const COOKIE_NONCE_BYTES = 24;

/** The first message of a handshake. Its flags and reserve are sent as zeros and read as anything. */
export interface Hs1 {
  readonly senderIndex: number;
  /** Noise message 1: ephemeral 32 and the clear payload 16. */
  readonly noise: Uint8Array;
  /** 16 bytes, over everything before it. */
  readonly mac1: Uint8Array;
  /** 16 bytes; zeros unless a cookie was asked for. */
  readonly mac2: Uint8Array;
}

/** What HS1 says in clear: 16 bytes. */
export interface Hs1Payload {
  /** Random: tells a retransmission from a new attempt. 8 bytes. */
  readonly attempt: Uint8Array;
  readonly flags: number;
  readonly maxDatagramBytes: number;
}

/** HS2 and HS3 alike: at most 1,100 bytes. */
export interface HsReply {
  readonly type: typeof PacketType.HS2 | typeof PacketType.HS3;
  readonly senderIndex: number;
  readonly receiverIndex: number;
  /** Noise message: at least 96 bytes in HS2, 64 in HS3. */
  readonly noise: Uint8Array;
}

/** What both sides say under Noise about themselves; indices and sizes are repeated here to be authenticated. */
export interface HandshakePayload {
  readonly flags: number;
  readonly initiatorIndex: number;
  readonly responderIndex: number;
  readonly unixMs: number;
  readonly maxDatagramBytes: number;
  readonly revocation: { readonly sequence: number; readonly signedAt: number; readonly signature: Uint8Array };
  /** DER, at most 637 bytes. */
  readonly leaf: Uint8Array;
  /** 113 bytes; `trust` reads them. */
  readonly statement: Uint8Array;
}

/** The answer to HS1 under load: whoever reads it returns what is inside in mac2, and so proves where it is. */
export interface Cookie {
  /** The sender index of the HS1 that it answers. */
  readonly receiverIndex: number;
  /** 24 bytes. */
  readonly nonce: Uint8Array;
  /** 32 bytes: the cookie 16 and its tag. */
  readonly sealed: Uint8Array;
}

/** A hint that a session index is unknown here. Believed by nobody, it only makes a handshake worth a try. */
export interface NoSession {
  readonly index: number;
  readonly counter: number;
}

/** Encodes 320 bytes. */
export function encodeHs1(m: Hs1): Uint8Array {
  return head(PacketType.HS1, HS1_BYTES)
    .u32(m.senderIndex)
    .put(m.noise)
    .zeros(HS1_MAC1_OFFSET - 8 - HS1_NOISE_BYTES)
    .put(m.mac1)
    .put(m.mac2)
    .done();
}

/** Reads HS1; `undefined` unless it is exactly 320 bytes of our version. */
export function decodeHs1(bytes: Uint8Array): Hs1 | undefined {
  if (bytes.length !== HS1_BYTES) return undefined;
  const r = opened(bytes, PacketType.HS1);
  const senderIndex = r.u32();
  const noise = r.take(HS1_NOISE_BYTES);
  r.take(HS1_MAC1_OFFSET - 8 - HS1_NOISE_BYTES);
  const m = { senderIndex, noise, mac1: r.take(MAC_BYTES), mac2: r.take(MAC_BYTES) };
  return r.failed ? undefined : m;
}

/** Encodes 16 bytes. */
export function encodeHs1Payload(m: Hs1Payload): Uint8Array {
  return new Writer(16).put(m.attempt).u16(m.flags).u16(m.maxDatagramBytes).zeros(4).done();
}

/** Reads 16 bytes; what follows is ignored. `undefined` when cut. */
export function decodeHs1Payload(bytes: Uint8Array): Hs1Payload | undefined {
  const r = new Reader(bytes);
  const m = { attempt: r.take(8), flags: r.u16(), maxDatagramBytes: r.u16() };
  r.take(4);
  return r.failed ? undefined : m;
}

/** Encodes 12 bytes and the Noise message. */
export function encodeHsReply(m: HsReply): Uint8Array {
  return head(m.type, 12 + m.noise.length)
    .u32(m.senderIndex)
    .u32(m.receiverIndex)
    .put(m.noise)
    .done();
}

/** Reads HS2 or HS3; `undefined` beyond 1,100 bytes, or when the Noise message is too short for its keys and tags. */
export function decodeHsReply(bytes: Uint8Array): HsReply | undefined {
  const type = bytes[0];
  if ((type !== PacketType.HS2 && type !== PacketType.HS3) || bytes.length > HANDSHAKE_MAX_BYTES) return undefined;
  const r = opened(bytes, type);
  const m: HsReply = { type, senderIndex: r.u32(), receiverIndex: r.u32(), noise: r.rest() };
  if (m.noise.length < (type === PacketType.HS2 ? 96 : 64)) r.fail();
  return r.failed ? undefined : m;
}

/** Encodes 215 bytes and the leaf. */
export function encodeHandshakePayload(m: HandshakePayload): Uint8Array {
  return new Writer(1024)
    .u32(m.flags)
    .u32(m.initiatorIndex)
    .u32(m.responderIndex)
    .u64(m.unixMs)
    .u16(m.maxDatagramBytes)
    .u48(m.revocation.sequence)
    .u64(m.revocation.signedAt)
    .put(m.revocation.signature)
    .sized(m.leaf)
    .put(m.statement)
    .done();
}

/** Reads a payload; what follows is ignored. `undefined` when cut, or with a leaf of more than 637 bytes. */
export function decodeHandshakePayload(bytes: Uint8Array): HandshakePayload | undefined {
  const r = new Reader(bytes);
  const m: HandshakePayload = {
    flags: r.u32(),
    initiatorIndex: r.u32(),
    responderIndex: r.u32(),
    unixMs: r.u64(),
    maxDatagramBytes: r.u16(),
    revocation: { sequence: r.u48(), signedAt: r.u64(), signature: r.take(64) },
    leaf: r.sized(LEAF_MAX_BYTES),
    statement: r.take(STATEMENT_BYTES),
  };
  return r.failed ? undefined : m;
}

/** Encodes 64 bytes. */
export function encodeCookie(m: Cookie): Uint8Array {
  return head(PacketType.COOKIE, COOKIE_BYTES).u32(m.receiverIndex).put(m.nonce).put(m.sealed).done();
}

/** Reads COOKIE; `undefined` unless it is exactly 64 bytes of our version. */
export function decodeCookie(bytes: Uint8Array): Cookie | undefined {
  if (bytes.length !== COOKIE_BYTES) return undefined;
  const r = opened(bytes, PacketType.COOKIE);
  const m = { receiverIndex: r.u32(), nonce: r.take(COOKIE_NONCE_BYTES), sealed: r.take(MAC_BYTES + TAG_BYTES) };
  return r.failed ? undefined : m;
}

/** Encodes 16 bytes. */
export function encodeNoSession(m: NoSession): Uint8Array {
  return head(PacketType.NOSESS, NOSESS_BYTES).u32(m.index).u64(m.counter).done();
}

/** Reads 16 bytes; what follows is ignored. `undefined` when cut or of another type or version. */
export function decodeNoSession(bytes: Uint8Array): NoSession | undefined {
  const r = opened(bytes, PacketType.NOSESS);
  const m = { index: r.u32(), counter: r.u64() };
  return r.failed ? undefined : m;
}

function head(type: number, expected: number): Writer {
  return new Writer(expected).u8(type).u8(SESSION_VERSION).u16(0);
}

function opened(bytes: Uint8Array, type: number): Reader {
  const r = new Reader(bytes);
  if (r.u8() !== type || r.u8() !== SESSION_VERSION) r.fail();
  r.u16();
  return r;
}
