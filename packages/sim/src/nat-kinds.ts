/**
 * What routers do to datagrams, in the words of RFC 4787 (IPv4) and RFC 6092
 * (IPv6), and the kinds of access that people have. A kind is a chain of
 * routers, the one nearest to the host first: a carrier's NAT is a second one.
 */

/** What a mapping, or the right to come in through one, depends on: the lookup key of RFC 4787, sections 4.1 and 5. */
export type Dependence = 'endpoint-independent' | 'address-dependent' | 'address-and-port-dependent';

/** How a box treats one family of addresses. */
export interface NatBehaviour {
  /** Which datagrams of one inner endpoint leave from the same outer endpoint. */
  readonly mapping: Dependence;
  /** Who may answer through a mapping. */
  readonly filtering: Dependence;
  /** `preserve`: the inner port where it is free, else the next one. `sequential`: one after the other, for each mapping. */
  readonly ports: 'preserve' | 'sequential' | 'random';
  /** Whether inner hosts reach each other by outer addresses (RFC 4787, REQ-9). */
  readonly hairpin: boolean;
  /** `address`: one inner host, one outer address, all ports, without state. `none`: a firewall. */
  readonly translates: 'ports' | 'address' | 'none';
  readonly timeouts: NatTimeouts;
}

/** For how long what went out lets answers in, ms. Only what goes out prolongs it. */
export interface NatTimeouts {
  /** Until the first answer has come. */
  readonly unrepliedMs: number;
  /** Afterwards. */
  readonly repliedMs: number;
}

/** What Linux keeps: `nf_conntrack_udp_timeout` and `nf_conntrack_udp_timeout_stream`. */
export const CONNTRACK: NatTimeouts = { unrepliedMs: 30_000, repliedMs: 120_000 };

/** One router. `absent`: no such addresses inside; `dead`: addresses, but nothing passes. */
export interface RouterKind {
  readonly v4: NatBehaviour | 'absent' | 'dead';
  readonly v6: NatBehaviour | 'absent';
  /** Whether UDP passes; TCP always does. */
  readonly udp: boolean;
}

/** An RFC 4787 box with the ports and timeouts of Linux, or as told. */
export function nat(
  mapping: Dependence,
  filtering: Dependence,
  more: Partial<Pick<NatBehaviour, 'ports' | 'hairpin' | 'translates' | 'timeouts'>> = {},
): NatBehaviour {
  return { mapping, filtering, ports: 'preserve', hairpin: false, translates: 'ports', timeouts: CONNTRACK, ...more };
}

const EI = 'endpoint-independent';
const AD = 'address-dependent';
const APD = 'address-and-port-dependent';

/** Kinds of box, under the names that they have outside RFC 4787. */
export const NATS = {
  fullCone: nat(EI, EI),
  restrictedCone: nat(EI, AD),
  portRestrictedCone: nat(EI, APD),
  symmetricSequential: nat(APD, APD, { ports: 'sequential' }),
  symmetricRandom: nat(APD, APD, { ports: 'random' }),
  oneToOne: nat(EI, EI, { translates: 'address', hairpin: true }),
  /** Simple security of RFC 6092: what goes out may be answered. */
  firewall: nat(EI, APD, { translates: 'none' }),
} as const;

/** A router for IPv4 alone. */
export function router(v4: RouterKind['v4'], more: Partial<RouterKind> = {}): RouterKind {
  return { v4, v6: 'absent', udp: true, ...more };
}

/** An access: routers between a host and the Internet, the nearest first; none: a public IPv4 address. */
export type AccessKind = readonly RouterKind[];

const HOME = router(NATS.portRestrictedCone);

/** Rows and columns of the NAT grid. */
export const ACCESS_KINDS = {
  open: [],
  'full-cone': [router(NATS.fullCone)],
  restricted: [router(NATS.restrictedCone)],
  'port-restricted': [HOME],
  'symmetric-sequential': [router(NATS.symmetricSequential)],
  'symmetric-random': [router(NATS.symmetricRandom)],
  'one-to-one': [router(NATS.oneToOne)],
  'cgnat-easy': [HOME, router({ ...NATS.fullCone, ports: 'random', hairpin: true })],
  'cgnat-hard': [HOME, router(NATS.symmetricRandom)],
  'udp-blocked': [router(NATS.portRestrictedCone, { udp: false })],
  'ipv6-only': [router('absent', { v6: NATS.firewall })],
  'broken-ipv4': [router('dead', { v6: NATS.firewall })],
} as const satisfies Readonly<Record<string, AccessKind>>;

export type AccessName = keyof typeof ACCESS_KINDS;
