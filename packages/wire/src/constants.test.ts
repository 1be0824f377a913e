/** The byte and budget table of the design: what each number is, and that every message fits what carries it. */
import { describe, expect, test } from 'vitest';
import { BROADCAST_MAX_BYTES, encodeBroadcastMessage } from './broadcast-message.ts';
import {
  CARRIED_OVERHEAD_BYTES,
  COOKIE_BYTES,
  DATA_HEADER_BYTES,
  DataFlag,
  HANDSHAKE_MAX_BYTES,
  HANDSHAKE_PAYLOAD_FIXED_BYTES,
  HS1_BYTES,
  HS2_FIXED_BYTES,
  HS3_FIXED_BYTES,
  Inner,
  LEAF_MAX_BYTES,
  MAC_BYTES,
  MESSAGE_MAX_BYTES,
  NOSESS_BYTES,
  OVERLAY_HEADER_BYTES,
  PacketType,
  PEER_ID_BYTES,
  REVOCATION_HEAD_BYTES,
  SEAL_OVERHEAD_BYTES,
  SESSION_VERSION,
  STATEMENT_BYTES,
  STREAM_PATH_BYTES,
  TAG_BYTES,
  UDP_PATH_BYTES,
  UDP_PROBED_BYTES,
} from './constants.ts';
import { ETHERNET_HEADER_BYTES } from './ethernet.ts';
import { encodeHandshakePayload, encodeHs1, encodeHs1Payload, encodeHsReply, encodeNoSession } from './handshake.ts';
import {
  CANDIDATES_MAX,
  encodeFragment,
  encodeLinkMessage,
  FRAGMENTS_MAX,
  NEIGHBOURS_MAX,
  URLS_MAX,
} from './link-message.ts';
import { encodeMemberMessage, TEXT_MAX_BYTES } from './member-message.ts';
import { encodeOverlayDatagram, encodePeerIds, OverlayMode, OverlayType, PEER_IDS_MAX } from './overlay-datagram.ts';
import { PACKED_MAX_BYTES } from './packing.ts';
import { encodePostQuantum, PQ_CIPHERTEXT_BYTES, PQ_KEY_BYTES } from './post-quantum.ts';
import { RECORD_VALUE_MAX_BYTES, RecordKind } from './record.ts';
import { encodeDhtAnswer } from './record-answer.ts';
import { encodeDhtRequest } from './record-request.ts';
import { encodeStunRequest, encodeStunSuccess } from './stun.ts';

const bytes = (length: number) => new Uint8Array(length);
const INNER_BYTE = 1;
const PART_ID_BYTES = 4;
/** A path that another overlay carries over UDP. */
const CARRIED_PATH_BYTES = UDP_PATH_BYTES - CARRIED_OVERHEAD_BYTES;
/** What wraps an end-to-end datagram on each link. */
const HOP_OVERHEAD_BYTES = SEAL_OVERHEAD_BYTES + INNER_BYTE + OVERLAY_HEADER_BYTES;

describe('numbers that both sides must agree on', () => {
  test('first bytes are those of the table', () => {
    const table = { HS1: 0xe1, HS2: 0xe2, HS3: 0xe3, COOKIE: 0xe4, DATA: 0xe5, FRAME: 0xe6, NOSESS: 0xe7 };
    expect(PacketType).toEqual(table);
  });

  test('first bytes lie outside the ranges of RFC 7983 section 7', () => {
    const taken = { stun: [0, 3], zrtp: [16, 19], dtls: [20, 63], turn: [64, 79], rtp: [128, 191] } as const;
    for (const first of Object.values(PacketType)) {
      for (const [least, most] of Object.values(taken)) expect(first >= least && first <= most).toBe(false);
    }
  });

  test('first plaintext bytes of DATA are those of the table, each once', () => {
    expect(Inner).toEqual({
      KEEPALIVE: 0,
      OVERLAY: 1,
      PATH_CHALLENGE: 2,
      PATH_RESPONSE: 3,
      CLOSE: 4,
      PQ_KEY: 5,
      PQ_CIPHERTEXT: 6,
      PQ_CONFIRM: 7,
      MTU_PROBE: 8,
      LINK_MESSAGE: 9,
      ETE_FRAME: 10,
      FRAGMENT: 11,
      MEMBER: 12,
      RELAYED: 13,
    });
    expect(new Set(Object.values(Inner)).size).toBe(Object.keys(Inner).length);
  });

  test('flags are bits 0, 1 and 2', () => {
    expect(DataFlag).toEqual({ PARTIAL_CHECKSUM: 1 << 0, FIRST_PART: 1 << 1, SECOND_PART: 1 << 2 });
  });

  test('sizes are those of the table', () => {
    expect(SESSION_VERSION).toBe(1);
    expect(PEER_ID_BYTES * 8).toBe(160);
    expect(TAG_BYTES).toBe(16);
    expect(MAC_BYTES).toBe(16);
    expect(DATA_HEADER_BYTES).toBe(1 + 1 + 2 + 4 + 8);
    expect(SEAL_OVERHEAD_BYTES).toBe(32);
    expect(OVERLAY_HEADER_BYTES).toBe(1 + 1 + 1 + 1 + 4 + 20 + 20);
    expect(HS1_BYTES).toBe(320);
    expect(LEAF_MAX_BYTES).toBe(637);
    expect(STATEMENT_BYTES).toBe(32 + 8 + 8 + 1 + 64);
    expect(REVOCATION_HEAD_BYTES).toBe(6 + 8 + 64);
    expect(COOKIE_BYTES).toBe(4 + 4 + 24 + MAC_BYTES + TAG_BYTES);
    expect(CARRIED_OVERHEAD_BYTES).toBe(32 + 1 + 48 + 1);
    expect(UDP_PATH_BYTES).toBe(1200);
    expect(UDP_PROBED_BYTES).toBe(1500 - 40 - 8);
    expect(STREAM_PATH_BYTES).toBe(16_384);
    expect(MESSAGE_MAX_BYTES).toBe(16 * 1024);
  });
});

describe('constants are what the encoders write', () => {
  test('HS1 and its clear payload', () => {
    const noise = bytes(32 + encodeHs1Payload({ attempt: bytes(8), flags: 0, maxDatagramBytes: 0 }).length);
    expect(noise.length).toBe(48);
    expect(encodeHs1({ senderIndex: 1, noise, mac1: bytes(16), mac2: bytes(16) }).length).toBe(HS1_BYTES);
  });

  test('a handshake payload without its leaf', () => {
    expect(payload(0).length).toBe(HANDSHAKE_PAYLOAD_FIXED_BYTES);
    expect(payload(LEAF_MAX_BYTES).length).toBe(HANDSHAKE_PAYLOAD_FIXED_BYTES + LEAF_MAX_BYTES);
  });

  test('HS2 and HS3 without the leaf', () => {
    expect(hs2(0).length).toBe(HS2_FIXED_BYTES);
    expect(hs3(0).length).toBe(HS3_FIXED_BYTES);
  });

  test('NOSESS', () => {
    expect(encodeNoSession({ index: 1, counter: 2 }).length).toBe(NOSESS_BYTES);
  });

  test('the overlay header', () => {
    expect(overlay(bytes(0)).length).toBe(OVERLAY_HEADER_BYTES);
  });
});

describe('no answer is worth a forged request', () => {
  test('HS2 with the largest leaf is at most three times HS1', () => {
    expect(hs2(LEAF_MAX_BYTES).length).toBe(3 * HS1_BYTES);
  });

  test('COOKIE is smaller than HS1', () => {
    expect(COOKIE_BYTES).toBeLessThan(HS1_BYTES);
  });

  test('NOSESS is smaller than the smallest sealed datagram', () => {
    expect(NOSESS_BYTES).toBeLessThan(SEAL_OVERHEAD_BYTES);
  });

  test('a STUN answer is at most three times the smallest request', () => {
    const transactionId = bytes(12);
    const answer = encodeStunSuccess({ transactionId, address: bytes(16), port: 0 });
    expect(answer.length).toBeLessThanOrEqual(3 * encodeStunRequest({ transactionId }).length);
  });
});

describe('everything fits what carries it', () => {
  test('the largest HS2 and HS3 are handshake messages', () => {
    expect(hs2(LEAF_MAX_BYTES).length).toBeLessThanOrEqual(HANDSHAKE_MAX_BYTES);
    expect(hs3(LEAF_MAX_BYTES).length).toBeLessThanOrEqual(HANDSHAKE_MAX_BYTES);
    expect(HS1_BYTES).toBeLessThanOrEqual(HANDSHAKE_MAX_BYTES);
  });

  test('the largest end-to-end handshake message crosses a link over UDP', () => {
    expect(overlay(bytes(HANDSHAKE_MAX_BYTES)).length).toBe(HANDSHAKE_MAX_BYTES + OVERLAY_HEADER_BYTES);
    expect(HANDSHAKE_MAX_BYTES + HOP_OVERHEAD_BYTES).toBeLessThanOrEqual(UDP_PATH_BYTES);
  });

  test('end-to-end HS2 with the largest leaf crosses a link that is itself carried', () => {
    expect(CARRIED_PATH_BYTES).toBe(1118);
    expect(hs2(LEAF_MAX_BYTES).length + HOP_OVERHEAD_BYTES).toBeLessThanOrEqual(CARRIED_PATH_BYTES);
  });

  test('a frame at TAP MTU 1,280 needs two parts and then fits, direct or end to end, even when carried', () => {
    const frame = 1280 + ETHERNET_HEADER_BYTES;
    const part = PART_ID_BYTES + Math.ceil(frame / 2);
    expect(frame + SEAL_OVERHEAD_BYTES).toBeGreaterThan(UDP_PATH_BYTES);
    expect(part + SEAL_OVERHEAD_BYTES).toBeLessThanOrEqual(CARRIED_PATH_BYTES);
    expect(part + INNER_BYTE + SEAL_OVERHEAD_BYTES + HOP_OVERHEAD_BYTES).toBeLessThanOrEqual(CARRIED_PATH_BYTES);
  });

  test('the largest message fits its fragments, even on a carried path', () => {
    const header = encodeFragment({ messageId: 1, index: 0, count: 1, piece: bytes(1) }).length - 1;
    const piece = CARRIED_PATH_BYTES - SEAL_OVERHEAD_BYTES - INNER_BYTE - header;
    expect(Math.ceil(MESSAGE_MAX_BYTES / piece)).toBeLessThanOrEqual(FRAGMENTS_MAX);
  });

  test('halves of a post-quantum key and ciphertext fit end to end, even when carried; wholes would not', () => {
    const sealed = (bytes: number) => bytes + SEAL_OVERHEAD_BYTES + HOP_OVERHEAD_BYTES;
    const half = { half: 0, receiverIndex: 1 } as const;
    const key = encodePostQuantum({ kind: 'key', ...half, bytes: bytes(PQ_KEY_BYTES / 2) });
    const ciphertext = encodePostQuantum({ kind: 'ciphertext', ...half, bytes: bytes(PQ_CIPHERTEXT_BYTES / 2) });
    for (const { length } of [key, ciphertext]) expect(sealed(length)).toBeLessThanOrEqual(CARRIED_PATH_BYTES);
    for (const length of [PQ_KEY_BYTES, PQ_CIPHERTEXT_BYTES]) expect(sealed(length)).toBeGreaterThan(UDP_PATH_BYTES);
  });

  test('the longest text crosses a link over UDP without fragments', () => {
    const text = encodeMemberMessage({ kind: 'text', id: 1, text: 'x'.repeat(TEXT_MAX_BYTES) });
    expect(text.length + INNER_BYTE + SEAL_OVERHEAD_BYTES + HOP_OVERHEAD_BYTES).toBeLessThanOrEqual(UDP_PATH_BYTES);
  });

  test('the longest part of a broadcast crosses a link in one datagram, even on a carried path', () => {
    const part = encodeBroadcastMessage({ kind: 'part', end: bytes(20), content: bytes(BROADCAST_MAX_BYTES) });
    expect(overlay(part).length + INNER_BYTE + SEAL_OVERHEAD_BYTES).toBeLessThanOrEqual(CARRIED_PATH_BYTES);
  });

  test('the longest link messages, id lists and records are messages', () => {
    const addresses = new Array<string>(CANDIDATES_MAX).fill('x'.repeat(255));
    const nat = { mapping: 'unknown', portStep: 0 } as const;
    const urls = addresses.slice(0, URLS_MAX);
    const able = { webrtc: true, udp: true, hostKind: 0, willingness: 'always' } as const;
    const offer = { kind: 'candidates', id: 1, ...able, nat, addresses, urls } as const;
    const neighbour = { peer: bytes(PEER_ID_BYTES), kind: 'udp', ageS: 1, rttMs: 1 } as const;
    const neighbours = new Array<typeof neighbour>(NEIGHBOURS_MAX).fill(neighbour);
    const signal = { kind: 'signal', id: 1, connection: 'x'.repeat(255), signal: 'x'.repeat(15_000) } as const;
    const record = largestRecord();
    const largest = [
      encodeLinkMessage(offer),
      encodeLinkMessage({ kind: 'neighbours', id: 1, neighbours }),
      encodeLinkMessage(signal),
      overlay(encodePeerIds(new Array<Uint8Array>(PEER_IDS_MAX).fill(bytes(PEER_ID_BYTES)))),
      overlay(encodeDhtRequest({ op: 'put', position: bytes(20), record })),
      overlay(encodeDhtAnswer({ status: 'ok', more: true, records: [record, record, record] })),
    ];
    for (const message of largest) expect(INNER_BYTE + message.length).toBeLessThanOrEqual(MESSAGE_MAX_BYTES);
  });

  test('a whole message on a stream is one packed datagram', () => {
    expect(PACKED_MAX_BYTES).toBe(STREAM_PATH_BYTES + 2);
    expect(MESSAGE_MAX_BYTES).toBeLessThanOrEqual(STREAM_PATH_BYTES);
  });
});

function payload(leafBytes: number): Uint8Array {
  return encodeHandshakePayload({
    flags: 0,
    initiatorIndex: 1,
    responderIndex: 2,
    unixMs: 3,
    maxDatagramBytes: UDP_PATH_BYTES,
    revocation: { sequence: 4, signedAt: 5, signature: bytes(64) },
    leaf: bytes(leafBytes),
    statement: bytes(STATEMENT_BYTES),
  });
}

/** e, sealed s, sealed payload. */
function hs2(leafBytes: number): Uint8Array {
  const noise = bytes(32 + (32 + TAG_BYTES) + payload(leafBytes).length + TAG_BYTES);
  return encodeHsReply({ type: PacketType.HS2, senderIndex: 1, receiverIndex: 2, noise });
}

/** Sealed s, sealed payload. */
function hs3(leafBytes: number): Uint8Array {
  const noise = bytes(32 + TAG_BYTES + payload(leafBytes).length + TAG_BYTES);
  return encodeHsReply({ type: PacketType.HS3, senderIndex: 1, receiverIndex: 2, noise });
}

function overlay(content: Uint8Array): Uint8Array {
  return encodeOverlayDatagram({
    type: OverlayType.ETE,
    mode: OverlayMode.EXACT,
    hopsLeft: 32,
    flags: 0,
    requestId: 0,
    source: bytes(PEER_ID_BYTES),
    target: bytes(PEER_ID_BYTES),
    payload: content,
  });
}

function largestRecord() {
  return {
    kind: RecordKind.MEMBER,
    isDeleted: false,
    index: 0,
    key: bytes(20),
    sequence: 1,
    signedAt: 2,
    lifetimeS: 3,
    value: bytes(RECORD_VALUE_MAX_BYTES),
    noiseStatic: bytes(32),
    leaf: bytes(LEAF_MAX_BYTES),
    statement: bytes(STATEMENT_BYTES),
    signature: bytes(64),
  };
}
