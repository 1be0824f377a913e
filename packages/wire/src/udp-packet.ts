/**
 * UDP inside the VPN: what DHCP and DNS ride in. Not the sockets that links use. Source: RFC 768.
 *
 *  0             2                  4        6          8
 * +-------------+------------------+--------+----------+-----------
 * | source port | destination port | length | checksum | data ...
 * +-------------+------------------+--------+----------+-----------
 */
import { IpProtocol, internetChecksum } from './ipv4.ts';
import { Reader, Writer } from './reader.ts';

/** Length before the data. */
export const UDP_HEADER_BYTES = 8;

/** Ports of DHCP (RFC 2131, section 4.1). */
export const DhcpPort = { server: 67, client: 68 } as const;

/** Ports of DHCP for IPv6 (RFC 8415, section 7.2). */
export const Dhcpv6Port = { client: 546, server: 547 } as const;

/** Port of DNS (RFC 1035, section 4.2). */
export const DNS_PORT = 53;

export interface UdpPacket {
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** As `udpChecksum` gives it, over IPv4 also 0 for none; the decoder does not check it. */
  readonly checksum: number;
  /** At most 65,507 bytes over IPv4. */
  readonly data: Uint8Array;
}

/** Encodes 8 bytes and the data. */
export function encodeUdpPacket(packet: UdpPacket): Uint8Array {
  const length = UDP_HEADER_BYTES + packet.data.length;
  const writer = new Writer(length).u16(packet.sourcePort).u16(packet.destinationPort);
  return writer.u16(length).u16(packet.checksum).put(packet.data).done();
}

/** Decodes a packet; bytes behind its length are ignored. `undefined` when the length does not fit. */
export function decodeUdpPacket(bytes: Uint8Array): UdpPacket | undefined {
  const reader = new Reader(bytes);
  const sourcePort = reader.u16();
  const destinationPort = reader.u16();
  const length = reader.u16();
  const checksum = reader.u16();
  if (reader.failed || length < UDP_HEADER_BYTES) return undefined;
  const data = reader.take(length - UDP_HEADER_BYTES);
  return reader.failed ? undefined : { sourcePort, destinationPort, checksum, data };
}

/**
 * The checksum of a packet between two IPv4 addresses (as numbers), over pseudo-header, header and data; never 0,
 * which means "none". `packet` is a whole encoded packet with a checksum of 0.
 */
export function udpChecksum(source: number, destination: number, packet: Uint8Array): number {
  const pseudo = words(source) + words(destination) + IpProtocol.udp + packet.length;
  return internetChecksum(packet, 0, packet.length, pseudo) || 0xffff;
}

function words(address: number): number {
  return Math.floor(address / 0x10000) + (address % 0x10000);
}
