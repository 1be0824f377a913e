/**
 * Which flow a packet belongs to: a number from addresses, protocol and, but in fragments, ports, for want of a flow
 * label. Source: RFC 6438, section 2.
 */
import {
  ETHERNET_HEADER_BYTES,
  IpProtocol,
  Ipv6Offset,
  ipv4HeaderBytesAt,
  ipv4ProtocolAt,
  ipv6TransportAt,
} from '@warren/wire';

/** Where the IP packet of a frame begins. */
const IP = ETHERNET_HEADER_BYTES;

/** The flow of an IPv4 frame, 32 bits. */
export function flowOf4(frame: Uint8Array): number {
  const protocol = ipv4ProtocolAt(frame, IP);
  const isFragment = (((frame[IP + 6] as number) << 8) | (frame[IP + 7] as number)) & 0x3fff;
  const hasPorts = !isFragment && (protocol === IpProtocol.tcp || protocol === IpProtocol.udp);
  const at = IP + ipv4HeaderBytesAt(frame, IP);
  const addresses = hash(frame, IP + 12, IP + 20, protocol);
  return hasPorts ? hash(frame, at, Math.min(at + 4, frame.length), addresses) : addresses;
}

/** The flow of an IPv6 frame, 32 bits. */
export function flowOf6(frame: Uint8Array): number {
  const transport = ipv6TransportAt(frame, IP);
  const from = IP + Ipv6Offset.source;
  const addresses = hash(frame, from, from + 32, transport?.protocol ?? 0);
  const protocol = transport?.protocol;
  const hasPorts = transport?.isLaterFragment === false && (protocol === IpProtocol.tcp || protocol === IpProtocol.udp);
  return hasPorts ? hash(frame, transport.at, Math.min(transport.at + 4, frame.length), addresses) : addresses;
}

/** FNV-1a over a part of the frame. */
function hash(bytes: Uint8Array, from: number, to: number, start: number): number {
  let value = 0x811c9dc5 ^ start;
  for (let i = from; i < to; i++) value = Math.imul(value ^ (bytes[i] as number), 0x01000193);
  return value >>> 0;
}
