/**
 * IPv4 packets. Not here: reassembly and the meaning of options. Source: RFC 791; checksum: RFC 1071.
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-------+-------+---------------+-------------------------------+   0
 * |   4   | words | DSCP and ECN  |         total length          |
 * +-------+-------+---------------+-----+-------------------------+   4
 * |        identification         |0|D|M|  fragment offset / 8    |
 * +---------------+---------------+-----+-------------------------+   8
 * |  time to live |   protocol    |        header checksum        |
 * +---------------+---------------+-------------------------------+  12
 * |                        source address                         |
 * +---------------------------------------------------------------+  16
 * |                      destination address                      |
 * +---------------------------------------------------------------+  20
 * |                 options, 0-40 bytes, then payload ...         |
 *
 * `encodeIpv4` and `decodeIpv4` copy; the data path reads in place with the `ipv4...At` functions.
 */
import { Reader, Writer } from './reader.ts';

/** Length of a header without options. */
export const IPV4_HEADER_BYTES = 20;

/** Protocol numbers that we know (IANA registry). */
export const IpProtocol = { icmp: 1, tcp: 6, udp: 17 } as const;

const CHECKSUM_AT = 10;
const DONT_FRAGMENT = 0x4000;
const MORE_FRAGMENTS = 0x2000;
const RESERVED_FLAG = 0x8000;

export interface Ipv4Packet {
  /** The second byte: DSCP in the upper six bits, ECN in the lower two. */
  readonly trafficClass: number;
  readonly identification: number;
  readonly dontFragment: boolean;
  readonly moreFragments: boolean;
  /** In units of 8 bytes, 0-8191. */
  readonly fragmentOffset: number;
  readonly ttl: number;
  readonly protocol: number;
  /** As a number, 0-2^32 - 1. */
  readonly source: number;
  /** As a number, 0-2^32 - 1. */
  readonly destination: number;
  /** 0-40 bytes, a multiple of four. */
  readonly options: Uint8Array;
  /** At most 65,515 bytes less the options. */
  readonly payload: Uint8Array;
}

/** Encodes header with checksum, options and payload. */
export function encodeIpv4(packet: Ipv4Packet): Uint8Array {
  const headerBytes = IPV4_HEADER_BYTES + packet.options.length;
  const flags = (packet.dontFragment ? DONT_FRAGMENT : 0) | (packet.moreFragments ? MORE_FRAGMENTS : 0);
  const writer = new Writer(headerBytes + packet.payload.length);
  writer.u8(0x40 | (headerBytes / 4)).u8(packet.trafficClass);
  writer.u16(headerBytes + packet.payload.length).u16(packet.identification);
  writer
    .u16(flags | packet.fragmentOffset)
    .u8(packet.ttl)
    .u8(packet.protocol)
    .u16(0);
  const bytes = writer.u32(packet.source).u32(packet.destination).put(packet.options).put(packet.payload).done();
  return putChecksum(bytes, CHECKSUM_AT, headerBytes);
}

/**
 * Decodes a packet; bytes behind its total length (padding) are ignored. `undefined` for another version, lengths
 * that do not fit, a wrong header checksum, or the reserved flag.
 */
export function decodeIpv4(bytes: Uint8Array): Ipv4Packet | undefined {
  if (!isIpv4At(bytes, 0)) return undefined;
  const headerBytes = ipv4HeaderBytesAt(bytes, 0);
  if (internetChecksum(bytes, 0, headerBytes) !== 0) return undefined;
  const reader = new Reader(bytes.subarray(0, ipv4TotalBytesAt(bytes, 0)));
  reader.u8();
  const trafficClass = reader.u8();
  reader.u16();
  const identification = reader.u16();
  const fragment = reader.u16();
  const ttl = reader.u8();
  const protocol = reader.u8();
  reader.u16();
  const source = reader.u32();
  const destination = reader.u32();
  const options = reader.take(headerBytes - IPV4_HEADER_BYTES);
  const payload = reader.rest();
  if (reader.failed || (fragment & RESERVED_FLAG) !== 0) return undefined;
  const dontFragment = (fragment & DONT_FRAGMENT) !== 0;
  const moreFragments = (fragment & MORE_FRAGMENTS) !== 0;
  const place = { identification, dontFragment, moreFragments, fragmentOffset: fragment & 0x1fff };
  return { trafficClass, ...place, ttl, protocol, source, destination, options, payload };
}

/**
 * Whether a packet with sane lengths begins at `at`: version 4, header of at least 20 bytes, total length that holds
 * the header and ends within `bytes`. All `ipv4...At` functions may be called after it said yes. The checksum is not
 * looked at: the receiving stack does that.
 */
export function isIpv4At(bytes: Uint8Array, at: number): boolean {
  if (bytes.length - at < IPV4_HEADER_BYTES || (bytes[at] as number) >> 4 !== 4) return false;
  const headerBytes = ipv4HeaderBytesAt(bytes, at);
  const totalBytes = ipv4TotalBytesAt(bytes, at);
  return headerBytes >= IPV4_HEADER_BYTES && totalBytes >= headerBytes && totalBytes <= bytes.length - at;
}

/** Length of the header with options, 20-60 bytes. */
export function ipv4HeaderBytesAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) & 15) * 4;
}

/** Length of header and payload. */
export function ipv4TotalBytesAt(bytes: Uint8Array, at: number): number {
  return u16At(bytes, at + 2);
}

/** Where in the whole datagram the payload belongs, in units of 8 bytes: 0 for a first or only fragment. */
export function ipv4FragmentOffsetAt(bytes: Uint8Array, at: number): number {
  return u16At(bytes, at + 6) & 0x1fff;
}

/** Protocol number of the payload. */
export function ipv4ProtocolAt(bytes: Uint8Array, at: number): number {
  return bytes[at + 9] as number;
}

/** Source address as a number. */
export function ipv4SourceAt(bytes: Uint8Array, at: number): number {
  return u16At(bytes, at + 12) * 0x10000 + u16At(bytes, at + 14);
}

/** Destination address as a number. */
export function ipv4DestinationAt(bytes: Uint8Array, at: number): number {
  return u16At(bytes, at + 16) * 0x10000 + u16At(bytes, at + 18);
}

/**
 * The Internet checksum of `bytes[from..to)`: the complement of the one's complement sum of its 16-bit words, the
 * last one filled with a zero byte. Over data that contains a right checksum it is 0. `start` is a sum to add to,
 * such as that of a pseudo-header. Source: RFC 1071, section 1.
 */
export function internetChecksum(bytes: Uint8Array, from: number, to: number, start = 0): number {
  let sum = start;
  for (let i = from; i + 1 < to; i += 2) sum += u16At(bytes, i);
  if ((to - from) % 2 === 1) sum += (bytes[to - 1] as number) << 8;
  while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000);
  return 0xffff - sum;
}

/**
 * Computes the checksum of `bytes[0..to)`, writes it at `at`, where two zero bytes must be, and returns `bytes`.
 * `start` is a sum to add to.
 */
export function putChecksum(bytes: Uint8Array, at: number, to: number, start = 0): Uint8Array {
  const checksum = internetChecksum(bytes, 0, to, start);
  bytes[at] = checksum >> 8;
  bytes[at + 1] = checksum & 0xff;
  return bytes;
}

function u16At(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}
