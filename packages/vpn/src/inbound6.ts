/**
 * Crypto-routing for IPv6: an address tells whose it is, so that a frame is judged at once and nobody is asked.
 * Nothing is copied.
 */
import {
  Dhcpv6Port,
  ETHERNET_HEADER_BYTES,
  IpProtocol,
  Ipv6Offset,
  type Ipv6Transport,
  ipv6TransportAt,
  isGroupFrame,
  isIpv6At,
  type PeerId,
} from '@warren/wire';
import { hasAddress6, memberAddress6 } from './ipv6-address.ts';
import { isDiscovery } from './neighbours.ts';
import type { InboundDrop } from './stats.ts';

const IP = ETHERNET_HEADER_BYTES;

/**
 * Why an IPv6 frame of `peer`, whose MAC address was checked, must be dropped, if it must. `undefined`: it is a packet
 * from the peer's address to `own`, our address, and neither Neighbor Discovery nor DHCP.
 */
export function inspectInbound6(
  frame: Uint8Array,
  peer: PeerId,
  own: Uint8Array,
  prefix: Uint8Array,
): InboundDrop | undefined {
  if (isGroupFrame(frame)) return 'group';
  if (!isIpv6At(frame, IP)) return 'malformed';
  if (!hasAddress6(frame, IP + Ipv6Offset.destination, own)) return 'destination';
  if (!hasAddress6(frame, IP + Ipv6Offset.source, memberAddress6(prefix, peer))) return 'spoofed-source';
  const transport = ipv6TransportAt(frame, IP);
  if (transport === undefined) return 'malformed';
  // Routing headers would lead further than to us (RFC 5095).
  if (transport.hasRouting) return 'redirect';
  if (isDiscovery(frame, transport)) return 'redirect';
  return isDhcp(frame, transport) ? 'dhcp' : undefined;
}

function isDhcp(frame: Uint8Array, { protocol, at, isLaterFragment }: Ipv6Transport): boolean {
  if (protocol !== IpProtocol.udp || isLaterFragment) return false;
  const port = (i: number): number => ((frame[i] ?? 0) << 8) | (frame[i + 1] ?? 0);
  return [port(at), port(at + 2)].some(each => each === Dhcpv6Port.client || each === Dhcpv6Port.server);
}
