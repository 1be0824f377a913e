/**
 * Crypto-routing for IPv6: an address tells whose it is, so that a frame is judged at once and nobody is asked.
 * Nothing is copied.
 */
import type { Instant } from '@warren/base';
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
import { hasAddress6, isInternet6, isOfMember6 } from './ipv6-address.ts';
import { isDiscovery } from './neighbours.ts';
import type { InboundDrop } from './stats.ts';

const IP = ETHERNET_HEADER_BYTES;

/** Our place in the group's IPv6. */
export interface Place6 {
  /** Our address, 16 bytes. */
  readonly own: Uint8Array;
  /** The group's, 8 bytes. */
  readonly prefix: Uint8Array;
  /** Whether we are a gateway to the IPv6 Internet. */
  readonly leads: boolean;
  /** Whether packets from outside may come from the peer, as our gateway. */
  readonly acceptsFrom: (peer: PeerId, now: Instant) => boolean;
}

/**
 * Why an IPv6 frame of `peer`, whose MAC address was checked, must be dropped, if it must. `undefined`: it is a packet
 * from the peer's address, or from the Internet and the peer is our gateway, to our address, or to the Internet and we
 * are a gateway; and neither Neighbor Discovery nor DHCP.
 */
export function inspectInbound6(frame: Uint8Array, peer: PeerId, place: Place6, now: Instant): InboundDrop | undefined {
  if (isGroupFrame(frame)) return 'group';
  if (!isIpv6At(frame, IP)) return 'malformed';
  const source = IP + Ipv6Offset.source;
  const destination = IP + Ipv6Offset.destination;
  const isOut = place.leads && isInternet6(frame, destination);
  if (!isOut && !hasAddress6(frame, destination, place.own)) return 'destination';
  const isIn = !isOut && isInternet6(frame, source) && place.acceptsFrom(peer, now);
  if (!isIn && !isOfMember6(frame, source, place.prefix, peer)) return 'spoofed-source';
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
  const isDhcpPort = (i: number): boolean => port(i) === Dhcpv6Port.client || port(i) === Dhcpv6Port.server;
  return isDhcpPort(at) || isDhcpPort(at + 2);
}
