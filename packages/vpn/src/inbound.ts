/**
 * Crypto-routing, first half: what a frame from a peer must look like, whoever sent it. The session told us which
 * peer it is; the second half, whether that peer owns the source address, needs the DHT and is in `vpn.ts`.
 * Nothing is copied.
 */
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
import type { InboundDrop } from './stats.ts';
import { isAssignable, type Subnet } from './subnet.ts';

/** Where the IP packet of a frame begins. */
const IP = ETHERNET_HEADER_BYTES;

/** Least bytes of a UDP or ICMP header; a first fragment with fewer would hide its ports. */
const TRANSPORT_HEADER_BYTES = 8;

/**
 * Why a frame of `peer` must be dropped, if it must. `undefined`: it is a unicast IPv4 frame from the peer's MAC
 * address to `own`, from an address that a member can own. `own` is our address, `undefined` while we hold none.
 */
export function inspectInbound(
  frame: Uint8Array,
  peer: PeerId,
  own: number | undefined,
  subnet: Subnet,
): InboundDrop | undefined {
  const type = etherTypeOf(frame);
  if (type === undefined) return 'malformed';
  if (frame.length > FRAME_MAX_BYTES) return 'too-large';
  if (!hasMac(frame, EthernetOffset.source, peer)) return 'spoofed-mac';
  if (type === EtherType.arp) return 'arp';
  if (type === EtherType.ipv6) return 'ipv6';
  if (type !== EtherType.ipv4) return 'ethertype';
  if (isGroupFrame(frame)) return 'group';
  if (!isIpv4At(frame, IP)) return 'malformed';
  if (own === undefined) return 'no-address';
  if (ipv4DestinationAt(frame, IP) !== own) return 'destination';
  const source = ipv4SourceAt(frame, IP);
  if (source === own || !isAssignable(subnet, source)) return 'spoofed-source';
  return inspectTransport(frame);
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
