/**
 * Crypto-routing, first half: what a frame from a peer must look like. The session told us which peer it is; the
 * second half, whether that peer owns the source address, needs the DHT and is in `ipv4.ts`.
 * Nothing is copied.
 */
import type { Instant } from '@warren/base';
import {
  DhcpPort,
  ETHERNET_HEADER_BYTES,
  EthernetOffset,
  EtherType,
  etherTypeOf,
  IcmpType,
  IpProtocol,
  ipv4DestinationAt,
  ipv4FragmentOffsetAt,
  ipv4HeaderBytesAt,
  ipv4ProtocolAt,
  ipv4SourceAt,
  ipv4TotalBytesAt,
  isGroupFrame,
  isIpv4At,
  type PeerId,
} from '@warren/wire';
import { FRAME_MAX_BYTES } from './constants.ts';
import { hasMac } from './mac.ts';
import { isGroupPacket, isOurs, isUnicast, type Place } from './place.ts';
import type { InboundDrop } from './stats.ts';
import { contains, isAssignable } from './subnet.ts';

/** Where the IP packet of a frame begins. */
const IP = ETHERNET_HEADER_BYTES;

/** Least bytes of a UDP or ICMP header; a first fragment with fewer would hide its ports. */
const TRANSPORT_HEADER_BYTES = 8;

/**
 * Why an IPv4 frame of `peer`, whose MAC address was checked, must be dropped, if it must. `undefined`: it is a packet
 * to us, or to what we announce, from an address that its sender may have: one that a member can own, or one behind
 * the sender. Where we asked for them, UDP packets to all pass too.
 */
export function inspectInbound(frame: Uint8Array, peer: PeerId, place: Place, now: Instant): InboundDrop | undefined {
  const isGroup = isGroupFrame(frame);
  if (isGroup && !place.hearsGroups) return 'group';
  if (!isIpv4At(frame, IP)) return 'malformed';
  if (place.own === undefined) return 'no-address';
  const destination = ipv4DestinationAt(frame, IP);
  if (isGroup ? !isGroupPacket(frame, destination, place.subnet) : !isOurs(destination, place)) return 'destination';
  if (!maySend(ipv4SourceAt(frame, IP), peer, place, now)) return 'spoofed-source';
  return inspectTransport(frame);
}

/** Why a frame must be dropped, whatever its packet is, if it must. */
export function inspectEthernet(frame: Uint8Array, peer: PeerId): InboundDrop | undefined {
  const type = etherTypeOf(frame);
  if (type === undefined) return 'malformed';
  if (frame.length > FRAME_MAX_BYTES) return 'too-large';
  if (!hasMac(frame, EthernetOffset.source, peer)) return 'spoofed-mac';
  if (type === EtherType.arp) return 'arp';
  return type === EtherType.ipv4 || type === EtherType.ipv6 ? undefined : 'ethertype';
}

/** Members may send from an address of the subnet that they own, which the DHT knows; routers from behind them. */
function maySend(source: number, peer: PeerId, place: Place, now: Instant): boolean {
  const { subnet, routes } = place;
  if (contains(subnet, source)) return source !== place.own && isAssignable(subnet, source);
  if (!isUnicast(source)) return false;
  return routes.next(source) === undefined ? place.acceptsFrom(peer, now) : routes.mayComeFrom(source, peer);
}

function inspectTransport(frame: Uint8Array): InboundDrop | undefined {
  const protocol = ipv4ProtocolAt(frame, IP);
  if (ipv4FragmentOffsetAt(frame, IP) !== 0) return undefined;
  if (protocol !== IpProtocol.udp && protocol !== IpProtocol.icmp) return undefined;
  const at = IP + ipv4HeaderBytesAt(frame, IP);
  if (ipv4TotalBytesAt(frame, IP) - ipv4HeaderBytesAt(frame, IP) < TRANSPORT_HEADER_BYTES) return 'malformed';
  if (protocol === IpProtocol.udp) return isDhcpPort(frame, at) || isDhcpPort(frame, at + 2) ? 'dhcp' : undefined;
  const icmp = frame[at];
  return icmp === IcmpType.redirect || icmp === IcmpType.routerAdvertisement ? 'redirect' : undefined;
}

function isDhcpPort(frame: Uint8Array, at: number): boolean {
  const port = ((frame[at] as number) << 8) | (frame[at + 1] as number);
  return port === DhcpPort.server || port === DhcpPort.client;
}
