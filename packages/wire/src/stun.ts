/**
 * STUN binding requests and success answers: "from which address do you see me?"
 * Source: RFC 8489 sections 5, 6.3.1 and 14.2. Not here: credentials, errors,
 * indications, any other method; their bytes decode to `undefined`.
 *
 *  0       2        4              8                    20
 * +-------+--------+--------------+--------------------+------------------------------------------
 * | type  | length | 0x2112a442   | transaction id 12  | attributes: type 2, length 2, value, padded to 4
 * +-------+--------+--------------+--------------------+------------------------------------------
 * XOR-MAPPED-ADDRESS (0x0020): zero 1 | family 1 | port xor cookie 2 | address xor (cookie, transaction id) 4 or 16
 */
import { Reader, Writer } from './reader.ts';

/** Bytes of a STUN header. */
export const STUN_HEADER_BYTES = 20;
/** Bytes of a transaction id. */
export const STUN_TRANSACTION_BYTES = 12;

const COOKIE = 0x2112a442;
const BINDING_REQUEST = 0x0001;
const BINDING_SUCCESS = 0x0101;
const MAPPED_ADDRESS = 0x0001;
const XOR_MAPPED_ADDRESS = 0x0020;
const FAMILY_IPV4 = 1;
const FAMILY_IPV6 = 2;
/** From here on, attributes may be skipped by those who do not know them (section 14). */
const OPTIONAL_FROM = 0x8000;
/**
 * Attributes below that limit which ask for nothing that an unauthenticated answer lacks:
 * USERNAME, MESSAGE-INTEGRITY, REALM, NONCE, MESSAGE-INTEGRITY-SHA256, PASSWORD-ALGORITHM, USERHASH, PRIORITY, USE-CANDIDATE.
 */
const HARMLESS = new Set([0x0006, 0x0008, 0x0014, 0x0015, 0x001c, 0x001d, 0x001e, 0x0024, 0x0025]);
const ATTRIBUTES_MAX = 32;

export interface StunRequest {
  /** 12 bytes. */
  readonly transactionId: Uint8Array;
}

export interface StunSuccess {
  /** 12 bytes, those of the request. */
  readonly transactionId: Uint8Array;
  /** The address seen: 4 bytes for IPv4, 16 for IPv6. */
  readonly address: Uint8Array;
  /** 0 to 65,535. */
  readonly port: number;
}

/** Whether bytes claim to be STUN: leading zero bits and the magic cookie (section 6.3). */
export function isStun(bytes: Uint8Array): boolean {
  const [first = 0xff] = bytes;
  const cookie = bytes[4] === 0x21 && bytes[5] === 0x12 && bytes[6] === 0xa4 && bytes[7] === 0x42;
  return bytes.length >= STUN_HEADER_BYTES && first < 0x40 && cookie;
}

/** Encodes 20 bytes: a request without attributes. */
export function encodeStunRequest(request: StunRequest): Uint8Array {
  return new Writer(STUN_HEADER_BYTES).u16(BINDING_REQUEST).u16(0).u32(COOKIE).put(request.transactionId).done();
}

/**
 * Decodes a binding request; its attributes are skipped. `undefined` for anything else, bytes behind it,
 * and attributes that a plain answer would not honour, such as CHANGE-REQUEST.
 */
export function decodeStunRequest(bytes: Uint8Array): StunRequest | undefined {
  const message = decodeMessage(bytes, BINDING_REQUEST);
  if (message === undefined) return undefined;
  for (const type of message.attributes.keys()) if (type < OPTIONAL_FROM && !HARMLESS.has(type)) return undefined;
  return { transactionId: message.transactionId };
}

/** Encodes 32 bytes for IPv4, 44 for IPv6: less than three times any request. */
export function encodeStunSuccess(success: StunSuccess): Uint8Array {
  const { transactionId, address, port } = success;
  const writer = new Writer(44).u16(BINDING_SUCCESS).u16(8 + address.length);
  writer
    .u32(COOKIE)
    .put(transactionId)
    .u16(XOR_MAPPED_ADDRESS)
    .u16(4 + address.length);
  writer
    .u8(0)
    .u8(address.length === 4 ? FAMILY_IPV4 : FAMILY_IPV6)
    .u16(port ^ (COOKIE >>> 16));
  return writer.put(masked(address, transactionId)).done();
}

/** Decodes a binding success answer; `undefined` for anything else, or without a well-formed XOR-MAPPED-ADDRESS. */
export function decodeStunSuccess(bytes: Uint8Array): StunSuccess | undefined {
  const message = decodeMessage(bytes, BINDING_SUCCESS);
  const value = message?.attributes.get(XOR_MAPPED_ADDRESS);
  if (message === undefined || value === undefined) return undefined;
  for (const type of message.attributes.keys()) {
    const known = type === XOR_MAPPED_ADDRESS || type === MAPPED_ADDRESS || HARMLESS.has(type);
    if (type < OPTIONAL_FROM && !known) return undefined;
  }
  const reader = new Reader(value);
  reader.u8();
  const family = reader.u8();
  const port = reader.u16() ^ (COOKIE >>> 16);
  const address = masked(reader.rest(), message.transactionId);
  if (reader.failed || address.length !== { [FAMILY_IPV4]: 4, [FAMILY_IPV6]: 16 }[family]) return undefined;
  return { transactionId: message.transactionId, address, port };
}

/** Reads header and attributes; of an attribute that comes twice the first counts (section 14). */
function decodeMessage(bytes: Uint8Array, type: number) {
  const reader = new Reader(bytes);
  if (reader.u16() !== type) return undefined;
  const length = reader.u16();
  const cookie = reader.u32();
  const transactionId = reader.take(STUN_TRANSACTION_BYTES);
  if (reader.failed || cookie !== COOKIE || length !== reader.left || length % 4 !== 0) return undefined;
  const attributes = new Map<number, Uint8Array>();
  for (let count = 0; reader.left > 0; count++) {
    const attribute = reader.u16();
    const valueBytes = reader.u16();
    const value = reader.take(valueBytes);
    reader.take(-valueBytes & 3);
    if (reader.failed || count >= ATTRIBUTES_MAX) return undefined;
    if (!attributes.has(attribute)) attributes.set(attribute, value);
  }
  return { transactionId, attributes };
}

/** Applies or removes the mask of section 14.2: cookie, then transaction id. */
function masked(address: Uint8Array, transactionId: Uint8Array): Uint8Array {
  const mask = new Writer(16).u32(COOKIE).put(transactionId).done();
  return address.map((byte, i) => byte ^ (mask[i] as number));
}
