/**
 * ICMP errors that the VPN sends to its own machine: "this does not fit", "nobody listens there". Encoders only.
 * Source: RFC 792, page 4; RFC 1191, section 4; RFC 4443, sections 3.1 and 3.2.
 *
 * ```text
 *  0      1      2          4                8
 * +------+------+----------+----------------+----------------------------------------
 * | type | code | checksum | MTU or zero    | the packet that it is about, its beginning
 * +------+------+----------+----------------+----------------------------------------
 *   3      4                 zeros 2, MTU 2   does not fit, IPv4; 3/3: no such port
 *   2      0                 MTU 4            does not fit, IPv6; 1/4: no such port; 1/0 and 3/0: no way there
 * ```
 */
import { Icmpv6Type, type Ipv6Ends } from './icmpv6.ts';
import { putChecksum } from './ipv4.ts';
import { Ipv6Next, ipv6PseudoSum } from './ipv6.ts';
import { Writer } from './reader.ts';

/** Whole IPv4 packets with errors have at most this length (RFC 1812, section 4.3.2.3), less header of IP and ICMP. */
const QUOTED_BYTES = 576 - 28;
/** The same for IPv6: its least MTU. */
const QUOTED_6_BYTES = 1280 - 48;

/** What is wrong: the packet is larger than the MTU, its port is nobody's, or nothing leads there. */
export type IcmpError =
  | { readonly kind: 'too-big'; readonly mtuBytes: number }
  | { readonly kind: 'no-port' | 'no-route' };

/** Codes of "destination unreachable" for both families. */
const CODES = { 'no-port': [3, 4], 'no-route': [0, 0] } as const;

/** Encodes an ICMP message about an IPv4 packet. */
export function encodeIcmpError(error: IcmpError, packet: Uint8Array): Uint8Array {
  const isSize = error.kind === 'too-big';
  const writer = new Writer(8 + QUOTED_BYTES)
    .u8(3)
    .u8(error.kind === 'too-big' ? 4 : CODES[error.kind][0])
    .u16(0);
  const bytes = writer
    .u32(isSize ? error.mtuBytes : 0)
    .put(packet.subarray(0, QUOTED_BYTES))
    .done();
  return putChecksum(bytes, 2, bytes.length);
}

/** Encodes an ICMPv6 message about an IPv6 packet. */
export function encodeIcmpv6Error(error: IcmpError, packet: Uint8Array, ends: Ipv6Ends): Uint8Array {
  const isSize = error.kind === 'too-big';
  const writer = new Writer(8 + QUOTED_6_BYTES)
    .u8(isSize ? Icmpv6Type.packetTooBig : 1)
    .u8(error.kind === 'too-big' ? 0 : CODES[error.kind][1])
    .u16(0);
  const bytes = writer
    .u32(isSize ? error.mtuBytes : 0)
    .put(packet.subarray(0, QUOTED_6_BYTES))
    .done();
  return putChecksum(bytes, 2, bytes.length, ipv6PseudoSum(ends.source, ends.destination, Ipv6Next.icmp, bytes.length));
}
