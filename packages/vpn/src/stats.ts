/**
 * What the VPN counts: frames that went through, and frames that it dropped, by reason. Nothing is logged per frame.
 */

/** Why a frame from the TAP device, or a ping of ours, went nowhere. */
export const OUTBOUND_DROPS = [
  /** We hold no address. */
  'no-address',
  /** Shorter than its headers say. */
  'malformed',
  /** Longer than the MTU allows. */
  'too-large',
  /** Broadcast or multicast that nobody asked for, or that is no UDP. */
  'group',
  /** Too much of it. */
  'group-rate',
  /** Neither IPv4, IPv6 nor ARP. */
  'ethertype',
  /** ARP that needs no answer: replies, announcements, questions about ourselves or about no member. */
  'arp',
  /** The same of Neighbor Discovery; routers are asked in vain. */
  'neighbour',
  /** DHCP that gets no answer: of other machines, releases, other servers' business. */
  'dhcp',
  /** To the services, but none of them. */
  'service',
  /** From an address that we do not hold. */
  'source',
  /** To ourselves, to a reserved address, or outside the subnet where nobody leads. */
  'destination',
  /** To the Internet, while no gateway is there, or none with IPv6. */
  'no-gateway',
  /** Refused by a rule of ours. */
  'refused',
  /** Nobody owns the destination. */
  'no-owner',
  /** Too many frames wait for owners. */
  'queue-full',
  /** The owner did not become known in time. */
  'no-answer',
] as const;

/** Why a frame from a peer went nowhere. */
export const INBOUND_DROPS = [
  'no-address',
  'malformed',
  'too-large',
  /** Broadcast or multicast that we did not ask for. */
  'group',
  'group-rate',
  'ethertype',
  /** ARP is answered locally: peers have no say in it. */
  'arp',
  /** From a MAC address that is not the peer's. */
  'spoofed-mac',
  /** From an address that another peer owns, that nobody owns, or that nobody can own. */
  'spoofed-source',
  /** Not to our address, nor to what we announce. */
  'destination',
  /** DHCP is answered locally: peers have no say in it. */
  'dhcp',
  /** ICMP redirects, router and neighbour advertisements, routing headers: peers have no say in our routes. */
  'redirect',
  'queue-full',
  'no-answer',
  /** Refused by a rule of ours. */
  'refused',
  /** The peer asked us too much, as its gateway. */
  'asked-rate',
  /** The peer made us ask for too many owners. */
  'find-rate',
  /** Without a TAP device, something other than an echo request. */
  'not-echo',
  /** Without a TAP device, too many echo requests of one peer. */
  'echo-rate',
] as const;

export type OutboundDrop = (typeof OUTBOUND_DROPS)[number];
export type InboundDrop = (typeof INBOUND_DROPS)[number];

/** Counters since the start. */
export interface VpnStats {
  /** Frames handed out for peers. */
  framesOut: number;
  /** Frames of peers that passed all checks. */
  framesIn: number;
  /** ARP requests of the TAP device that we answered. */
  arpAnswers: number;
  /** The same for IPv6. */
  neighbourAnswers: number;
  /** Answers of the services, and questions about names that were handed out. */
  readonly serviceAnswers: Record<'echo' | 'dhcp' | 'error' | 'dns', number>;
  /** Times that our machine was told that a packet is too large. */
  tooBigs: number;
  /** Echo requests that we answered for want of a TAP device. */
  echoAnswers: number;
  readonly outboundDrops: Record<OutboundDrop, number>;
  readonly inboundDrops: Record<InboundDrop, number>;
}

/** Counters at zero. */
export function emptyStats(): VpnStats {
  return {
    framesOut: 0,
    framesIn: 0,
    arpAnswers: 0,
    neighbourAnswers: 0,
    serviceAnswers: { echo: 0, dhcp: 0, error: 0, dns: 0 },
    tooBigs: 0,
    echoAnswers: 0,
    outboundDrops: zeros(OUTBOUND_DROPS),
    inboundDrops: zeros(INBOUND_DROPS),
  };
}

function zeros<Name extends string>(names: readonly Name[]): Record<Name, number> {
  return Object.fromEntries(names.map(name => [name, 0])) as Record<Name, number>;
}
