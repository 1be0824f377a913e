/**
 * Every number on the wire in one place: first bytes, sizes and budgets.
 * `constants.test.ts` checks that each message fits the budget that carries it.
 * First bytes lie outside the ranges of STUN, DTLS, TURN and RTP (RFC 7983
 * section 7), so that all of them can share one UDP port.
 */

/** First byte of every session datagram. */
export const PacketType = {
  HS1: 0xe1,
  HS2: 0xe2,
  HS3: 0xe3,
  COOKIE: 0xe4,
  DATA: 0xe5,
  FRAME: 0xe6,
  NOSESS: 0xe7,
} as const;

/** First plaintext byte of DATA. */
export const Inner = {
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
  /** A piece of a larger message, per authenticated hop. */
  FRAGMENT: 11,
  /** A message between two members (text, echo), over whichever session reaches the member. */
  MEMBER: 12,
  /** A datagram that one neighbour passes on between two others (P2 4.3). */
  RELAYED: 13,
} as const;

/** The byte of CLOSE: the sender goes away, or only has no use for this link any more. Unknown ones count as the former. */
export const CloseReason = { LEAVING: 0, UNNEEDED: 1 } as const;

/** Bits of the flags byte of DATA and FRAME. */
export const DataFlag = { PARTIAL_CHECKSUM: 1, FIRST_PART: 2, SECOND_PART: 4 } as const;

/** Version of the session layer; second byte of handshake messages. */
export const SESSION_VERSION = 1;

/** Bytes of a peer id. */
export const PEER_ID_BYTES = 20;
/** Bytes of an AEAD tag. */
export const TAG_BYTES = 16;
/** Bytes of mac1 and of mac2. */
export const MAC_BYTES = 16;
/** Bytes of the DATA and FRAME header. */
export const DATA_HEADER_BYTES = 16;
/** What sealing adds to a plaintext: header and tag. */
export const SEAL_OVERHEAD_BYTES = DATA_HEADER_BYTES + TAG_BYTES;
/** Bytes of the overlay header. */
export const OVERLAY_HEADER_BYTES = 48;

/** HS1 is padded to this, so that no answer exceeds three times what provoked it (RFC 9000 section 8). */
export const HS1_BYTES = 320;
/** Largest leaf certificate: with it HS2 is just three times HS1. */
export const LEAF_MAX_BYTES = 637;
/** Working statement in a handshake payload: key 32, dates 16, algorithm 1, signature 64. */
export const STATEMENT_BYTES = 113;
/** Revocation list head: sequence 6, signed at 8, signature 64. */
export const REVOCATION_HEAD_BYTES = 78;
/** Handshake payload without its leaf. */
export const HANDSHAKE_PAYLOAD_FIXED_BYTES = 4 + 4 + 4 + 8 + 2 + REVOCATION_HEAD_BYTES + 2 + STATEMENT_BYTES;
/** HS2 without the leaf: header 12, e 32, sealed s 48, payload and its tag. */
export const HS2_FIXED_BYTES = 12 + 32 + 48 + HANDSHAKE_PAYLOAD_FIXED_BYTES + TAG_BYTES;
/** HS3 without the leaf: header 12, sealed s 48, payload and its tag. */
export const HS3_FIXED_BYTES = 12 + 48 + HANDSHAKE_PAYLOAD_FIXED_BYTES + TAG_BYTES;
/** Largest handshake message, so that end-to-end fits inside point-to-point inside 1,200. */
export const HANDSHAKE_MAX_BYTES = 1100;
/** COOKIE: header 4, index 4, nonce 24, sealed cookie 32. */
export const COOKIE_BYTES = 64;
/** NOSESS: header 4, index 4, echoed counter 8. */
export const NOSESS_BYTES = 16;

/** What a UDP path carries before it is probed. */
export const UDP_PATH_BYTES = 1200;
/** What a UDP path may carry once probed (1,500 less IPv6 and UDP headers). */
export const UDP_PROBED_BYTES = 1452;
/** What a data channel or a WebSocket carries. */
export const STREAM_PATH_BYTES = 16_384;
/** What an overlay takes from a path that it carries: seal 32, inner byte 1, overlay header 48, kind byte 1. */
export const CARRIED_OVERHEAD_BYTES = SEAL_OVERHEAD_BYTES + 1 + OVERLAY_HEADER_BYTES + 1;
/** What a relay takes from each of its two legs: seal 32, inner byte 1, direction 1, peer id 20. */
export const RELAYED_OVERHEAD_BYTES = SEAL_OVERHEAD_BYTES + 1 + 1 + PEER_ID_BYTES;
/** Largest message that is cut into fragments. */
export const MESSAGE_MAX_BYTES = 16_384;
