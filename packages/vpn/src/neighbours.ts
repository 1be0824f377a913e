/**
 * Who has this IPv6 address: asked by our machine, answered here, because an address tells its owner. All other
 * Neighbor Discovery ends here too: there is no router on this Ethernet, and nobody else's word counts.
 * Source: RFC 4861, sections 7.2.3 and 7.2.4; solicited-node addresses: RFC 4291, section 2.7.1.
 */
import {
  decodeIpv6,
  decodeNeighbour,
  ETHERNET_HEADER_BYTES,
  encodeNeighbour,
  Icmpv6Type,
  Ipv6Next,
  type Ipv6Transport,
} from '@warren/wire';
import { ipv6Frame, type Macs } from './frames.ts';
import { hasAddress6 } from './ipv6-address.ts';

/** What was said by who is really on the link, and no router has passed on (RFC 4861, section 7.1.1). */
const HOP_LIMIT = 255;

/** A question of our machine about an IPv6 address. */
export interface NeighbourQuestion {
  /** 16 bytes: our own address, or one of the link. */
  readonly asker: Uint8Array;
  /** 16 bytes. */
  readonly target: Uint8Array;
}

/** Whether a packet is Neighbor Discovery: solicitations, advertisements, redirects, of hosts and of routers. */
export function isDiscovery(frame: Uint8Array, { protocol, at, isLaterFragment }: Ipv6Transport): boolean {
  if (protocol !== Ipv6Next.icmp || isLaterFragment) return false;
  const type = frame[at] ?? 0;
  return type >= Icmpv6Type.routerSolicitation && type <= Icmpv6Type.redirect;
}

/**
 * The question in an IPv6 frame from `own` or from an address of the link, as kernels ask for those whose packets they pass on;
 * `undefined` for others, for probes of new addresses and for announcements.
 */
export function neighbourQuestion(frame: Uint8Array, own: Uint8Array): NeighbourQuestion | undefined {
  const packet = decodeIpv6(frame.subarray(ETHERNET_HEADER_BYTES));
  if (packet === undefined || packet.hopLimit !== HOP_LIMIT || packet.nextHeader !== Ipv6Next.icmp) return undefined;
  const message = decodeNeighbour(packet.payload, packet);
  const isOurs = hasAddress6(packet.source, 0, own) || isLinkLocal(packet.source);
  if (message?.kind !== 'solicitation' || !isOurs) return undefined;
  return { asker: packet.source, target: message.target };
}

/** fe80::/10 (RFC 4291, section 2.5.6). */
function isLinkLocal(address: Uint8Array): boolean {
  return address[0] === 0xfe && ((address[1] ?? 0) & 0xc0) === 0x80;
}

/** The answer: `target` is at the MAC address `macs.from`. */
export function neighbourReply({ asker, target }: NeighbourQuestion, macs: Macs): Uint8Array {
  const ends = { source: target, destination: asker };
  const message = { kind: 'advertisement', solicited: true, override: true, target, mac: macs.from } as const;
  const packet = { ...ends, nextHeader: Ipv6Next.icmp, hopLimit: HOP_LIMIT, payload: encodeNeighbour(message, ends) };
  return ipv6Frame(macs, packet);
}
