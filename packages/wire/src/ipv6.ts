/**
 * IPv6 packets. Not here: reassembly and the meaning of extension headers. Source: RFC 8200, section 3.
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-------+---------------+---------------------------------------+   0
 * |   6   | traffic class |              flow label               |
 * +-------+---------------+-------+---------------+---------------+   4
 * |        payload length         |  next header  |   hop limit   |
 * +-------------------------------+---------------+---------------+   8
 * |                    source address, 16 bytes                   |
 * +---------------------------------------------------------------+  24
 * |                 destination address, 16 bytes                 |
 * +---------------------------------------------------------------+  40
 *
 * `encodeIpv6` and `decodeIpv6` copy; the data path reads in place with the `ipv6...At` functions.
 */
import { internetChecksum } from './ipv4.ts';
import { Reader, Writer } from './reader.ts';

/** Length of the header, without extension headers. */
export const IPV6_HEADER_BYTES = 40;

/** Length of an address. */
export const IPV6_ADDRESS_BYTES = 16;

/** Where the addresses stand in the header. */
export const Ipv6Offset = { source: 8, destination: 24 } as const;

/** Next headers that we know, beside those of `IpProtocol` (IANA registry). */
export const Ipv6Next = { hopByHop: 0, routing: 43, fragment: 44, icmp: 58, destination: 60 } as const;

/** More extension headers than this nobody sends; who wants to hide what follows might. */
const EXTENSIONS_MAX = 8;

export interface Ipv6Packet {
  /** DSCP in the upper six bits, ECN in the lower two. */
  readonly trafficClass: number;
  /** 20 bits. */
  readonly flowLabel: number;
  /** What the payload begins with. */
  readonly nextHeader: number;
  readonly hopLimit: number;
  /** 16 bytes. */
  readonly source: Uint8Array;
  /** 16 bytes. */
  readonly destination: Uint8Array;
  /** At most 65,535 bytes. */
  readonly payload: Uint8Array;
}

/** Encodes 40 bytes and the payload. */
export function encodeIpv6(packet: Ipv6Packet): Uint8Array {
  const writer = new Writer(IPV6_HEADER_BYTES + packet.payload.length);
  writer.u32(6 * 2 ** 28 + packet.trafficClass * 2 ** 20 + packet.flowLabel);
  writer.u16(packet.payload.length).u8(packet.nextHeader).u8(packet.hopLimit);
  return writer.put(packet.source).put(packet.destination).put(packet.payload).done();
}

/** Decodes a packet; bytes behind its length are ignored. `undefined` for another version or a length that does not fit. */
export function decodeIpv6(bytes: Uint8Array): Ipv6Packet | undefined {
  if (!isIpv6At(bytes, 0)) return undefined;
  const reader = new Reader(bytes);
  const first = reader.u32();
  const length = reader.u16();
  const [nextHeader, hopLimit] = [reader.u8(), reader.u8()];
  const [source, destination] = [reader.take(IPV6_ADDRESS_BYTES), reader.take(IPV6_ADDRESS_BYTES)];
  const label = { trafficClass: (first >>> 20) & 0xff, flowLabel: first & 0xfffff };
  return { ...label, nextHeader, hopLimit, source, destination, payload: reader.take(length) };
}

/** Whether a packet of version 6 begins at `at` and ends within `bytes`: then the `ipv6...At` functions may be called. */
export function isIpv6At(bytes: Uint8Array, at: number): boolean {
  if (bytes.length - at < IPV6_HEADER_BYTES || (bytes[at] as number) >> 4 !== 6) return false;
  return ipv6PayloadBytesAt(bytes, at) <= bytes.length - at - IPV6_HEADER_BYTES;
}

/** Length behind the header. */
export function ipv6PayloadBytesAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at + 4] as number) << 8) | (bytes[at + 5] as number);
}

/** What a packet carries behind its extension headers. */
export interface Ipv6Transport {
  /** The number of the header, such as `IpProtocol.tcp`. */
  readonly protocol: number;
  /** Where it begins, counted like `at`; what is there is missing in later fragments. */
  readonly at: number;
  readonly isLaterFragment: boolean;
  readonly hasRouting: boolean;
}

/** Walks over the extension headers of a packet; `undefined` where they are too many or reach beyond its end. */
export function ipv6TransportAt(bytes: Uint8Array, at: number): Ipv6Transport | undefined {
  const end = at + IPV6_HEADER_BYTES + ipv6PayloadBytesAt(bytes, at);
  let protocol = bytes[at + 6] as number;
  let next = at + IPV6_HEADER_BYTES;
  let hasRouting = false;
  for (let count = 0; isExtension(protocol); count++) {
    if (count === EXTENSIONS_MAX || next + 8 > end) return undefined;
    const isFragment = protocol === Ipv6Next.fragment;
    hasRouting ||= protocol === Ipv6Next.routing;
    const following = bytes[next] as number;
    const isLater = isFragment && (((bytes[next + 2] as number) << 8) | (bytes[next + 3] as number)) >> 3 !== 0;
    if (isLater) return { protocol: following, at: next + 8, isLaterFragment: true, hasRouting };
    next += isFragment ? 8 : ((bytes[next + 1] as number) + 1) * 8;
    protocol = following;
  }
  return next > end ? undefined : { protocol, at: next, isLaterFragment: false, hasRouting };
}

/** The sum of the pseudo-header, to begin a checksum with (RFC 8200, section 8.1). */
export function ipv6PseudoSum(source: Uint8Array, destination: Uint8Array, nextHeader: number, bytes: number): number {
  return sumOf(source) + sumOf(destination) + nextHeader + bytes;
}

function sumOf(address: Uint8Array): number {
  return 0xffff - internetChecksum(address, 0, address.length);
}

function isExtension(protocol: number): boolean {
  const { hopByHop, routing, fragment, destination } = Ipv6Next;
  return protocol === hopByHop || protocol === routing || protocol === fragment || protocol === destination;
}
