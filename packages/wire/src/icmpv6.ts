/**
 * ICMPv6 as far as the VPN answers it itself: echo, and who has this address (Neighbor Discovery).
 * Source: RFC 4443, section 4; RFC 4861, sections 4.3, 4.4 and 4.6.1.
 *
 * ```text
 *            0      1      2          4                8
 * echo      +------+------+----------+-------+--------+-------------------------------------------+
 *           | type | 0    | checksum | ident | seqnce | data ...          128 request, 129 reply  |
 *           +------+------+----------+-------+--------+-------------------------------------------+
 * neighbour | type | 0    | checksum | flags, zeros   | target 16, options   135, 136             |
 *           +------+------+----------+----------------+-------------------------------------------+
 * option    | kind | units of 8 bytes | value         MAC address: kind 1 of who asks, 2 of target |
 * ```
 *
 * The checksum covers a pseudo-header too, so that encoders and decoders take both addresses.
 */

import { ICMP_ECHO_HEADER_BYTES, type IcmpEcho } from './icmp.ts';
import { internetChecksum, putChecksum } from './ipv4.ts';
import { IPV6_ADDRESS_BYTES, Ipv6Next, ipv6PseudoSum } from './ipv6.ts';
import { Reader, Writer } from './reader.ts';

/** Types that the VPN tells apart (IANA registry). */
export const Icmpv6Type = {
  packetTooBig: 2,
  echoRequest: 128,
  echoReply: 129,
  routerSolicitation: 133,
  routerAdvertisement: 134,
  neighbourSolicitation: 135,
  neighbourAdvertisement: 136,
  redirect: 137,
} as const;

/** Both ends of a packet, 16 bytes each. */
export interface Ipv6Ends {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
}

/** Who has `target`, or: `target` is at `mac`. */
export interface NeighbourMessage {
  readonly kind: 'solicitation' | 'advertisement';
  /** Whether an advertisement answers a question, and whether it replaces what was known; false in a solicitation. */
  readonly solicited: boolean;
  readonly override: boolean;
  /** 16 bytes. */
  readonly target: Uint8Array;
  /** 6 bytes: of who asks, or of the target; absent where the link layer tells it. */
  readonly mac?: Uint8Array;
}

const SOLICITED = 0x40;
const OVERRIDE = 0x20;
const OPTION_BYTES = 8;

/** Encodes 8 bytes and the data. */
export function encodeIcmpv6Echo(echo: IcmpEcho, ends: Ipv6Ends): Uint8Array {
  const type = echo.operation === 'request' ? Icmpv6Type.echoRequest : Icmpv6Type.echoReply;
  const writer = new Writer(ICMP_ECHO_HEADER_BYTES + echo.data.length).u8(type).u8(0).u16(0);
  return withChecksum(writer.u16(echo.identifier).u16(echo.sequence).put(echo.data).done(), ends);
}

/** Decodes a whole message; `undefined` for other types or a wrong checksum. */
export function decodeIcmpv6Echo(bytes: Uint8Array, ends: Ipv6Ends): IcmpEcho | undefined {
  const reader = new Reader(bytes);
  const [type, code] = [reader.u8(), reader.u8()];
  reader.u16();
  const [identifier, sequence, data] = [reader.u16(), reader.u16(), reader.rest()];
  const isEcho = type === Icmpv6Type.echoRequest || type === Icmpv6Type.echoReply;
  if (reader.failed || code !== 0 || !isEcho || !isIntact(bytes, ends)) return undefined;
  return { operation: type === Icmpv6Type.echoRequest ? 'request' : 'reply', identifier, sequence, data };
}

/** Encodes 24 bytes, or 32 with a MAC address. */
export function encodeNeighbour(message: NeighbourMessage, ends: Ipv6Ends): Uint8Array {
  const isQuestion = message.kind === 'solicitation';
  const flags = (message.solicited ? SOLICITED : 0) | (message.override ? OVERRIDE : 0);
  const type = isQuestion ? Icmpv6Type.neighbourSolicitation : Icmpv6Type.neighbourAdvertisement;
  const writer = new Writer(32).u8(type).u8(0).u16(0).u8(flags).zeros(3).put(message.target);
  if (message.mac !== undefined)
    writer
      .u8(isQuestion ? 1 : 2)
      .u8(1)
      .put(message.mac);
  return withChecksum(writer.done(), ends);
}

/** Decodes a whole message; unknown options are skipped. `undefined` for other types, a wrong checksum or options without length. */
export function decodeNeighbour(bytes: Uint8Array, ends: Ipv6Ends): NeighbourMessage | undefined {
  const reader = new Reader(bytes);
  const [type, code] = [reader.u8(), reader.u8()];
  reader.u16();
  const flags = reader.u8();
  reader.take(3);
  const target = reader.take(IPV6_ADDRESS_BYTES);
  const isQuestion = type === Icmpv6Type.neighbourSolicitation;
  if ((!isQuestion && type !== Icmpv6Type.neighbourAdvertisement) || code !== 0) return undefined;
  const mac = readMac(reader, isQuestion ? 1 : 2);
  if (reader.failed || !isIntact(bytes, ends)) return undefined;
  const solicited = !isQuestion && (flags & SOLICITED) !== 0;
  const override = !isQuestion && (flags & OVERRIDE) !== 0;
  const kind = isQuestion ? 'solicitation' : 'advertisement';
  return { kind, solicited, override, target, ...(mac === undefined ? {} : { mac }) };
}

function readMac(reader: Reader, wanted: number): Uint8Array | undefined {
  let mac: Uint8Array | undefined;
  while (reader.left > 0 && !reader.failed) {
    const kind = reader.u8();
    const bytes = reader.u8() * OPTION_BYTES;
    // RFC 4861, 4.6: what has an option without length is discarded.
    if (bytes === 0) reader.fail();
    const value = reader.take(Math.max(bytes - 2, 0));
    if (kind === wanted && value.length === OPTION_BYTES - 2) mac ??= value;
  }
  return mac;
}

function withChecksum(bytes: Uint8Array, { source, destination }: Ipv6Ends): Uint8Array {
  return putChecksum(bytes, 2, bytes.length, ipv6PseudoSum(source, destination, Ipv6Next.icmp, bytes.length));
}

function isIntact(bytes: Uint8Array, { source, destination }: Ipv6Ends): boolean {
  const start = ipv6PseudoSum(source, destination, Ipv6Next.icmp, bytes.length);
  return internetChecksum(bytes, 0, bytes.length, start) === 0;
}
