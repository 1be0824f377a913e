/**
 * Kinds of access to the Internet, in the words of RFC 4787 (mapping, section 4.1; filtering, 5; hairpinning, 6), and
 * the nftables rules of a router that behaves so. What each kind promises is checked by `nat-kinds.test.ts` with plain
 * sockets; what the kernel gives by itself and what needs a rule is told at `natRules`.
 */

/** How a mapping or a filter depends on the remote end (RFC 4787, sections 4.1 and 5). */
export type Dependence = 'endpoint-independent' | 'address-dependent' | 'address-and-port-dependent';

/** What one translating router does with UDP. TCP is translated as the kernel likes. */
export interface NatBehaviour {
  readonly mapping: Dependence;
  readonly filtering: Dependence;
  /** Which outside port a mapping gets. */
  readonly ports: 'preserved' | 'sequential' | 'random';
  /** Whether hosts inside reach each other at outside addresses. */
  readonly hairpin: boolean;
}

/** One kind of access. */
export interface Access {
  readonly what: string;
  /** The home router; absent: the host is on the Internet itself. */
  readonly home?: NatBehaviour;
  /** A second one on the way, which homes of this kind share. */
  readonly carrier?: NatBehaviour;
  readonly udpBlocked?: true;
  /** Has IPv6, behind a firewall that lets answers in. */
  readonly v6?: true;
  /** `broken`: there is an address and a route, and nothing comes through. */
  readonly v4?: 'none' | 'broken';
}

const eim = (filtering: Dependence, hairpin = false): NatBehaviour => ({
  mapping: 'endpoint-independent',
  filtering,
  ports: 'preserved',
  hairpin,
});
const symmetric = (ports: NatBehaviour['ports']): NatBehaviour => ({
  mapping: 'address-and-port-dependent',
  filtering: 'address-and-port-dependent',
  ports,
  hairpin: false,
});
const PORT_RESTRICTED = eim('address-and-port-dependent');

/** The kinds by name. Names of RFC 3489 are kept where everybody uses them. */
export const NAT_KINDS = {
  open: { what: 'public addresses, no router', v6: true },
  'one-to-one': { what: 'a public address for each host, translated 1:1', home: eim('endpoint-independent', true) },
  'full-cone': { what: 'lets anybody in to a mapped port, hairpins', home: eim('endpoint-independent', true) },
  restricted: { what: 'lets in addresses that were sent to', home: eim('address-dependent') },
  'port-restricted': { what: 'lets in endpoints that were sent to', home: PORT_RESTRICTED },
  sequential: { what: 'symmetric, with the next port for each new endpoint', home: symmetric('sequential') },
  symmetric: { what: 'a random port for each endpoint', home: symmetric('random') },
  cgnat: { what: 'port-restricted at home and at the carrier', home: PORT_RESTRICTED, carrier: PORT_RESTRICTED },
  'cgnat-hairpin': {
    what: 'port-restricted at home, an RFC 6888 carrier, which hairpins',
    home: PORT_RESTRICTED,
    carrier: eim('endpoint-independent', true),
  },
  'udp-blocked': { what: 'port-restricted, and no UDP at all', home: PORT_RESTRICTED, udpBlocked: true },
  'ipv6-only': { what: 'IPv6 behind a firewall, no IPv4', v6: true, v4: 'none' },
  'broken-ipv4': { what: 'IPv6 behind a firewall, and IPv4 that leads nowhere', v6: true, v4: 'broken' },
} as const satisfies Record<string, Access>;

export type NatKind = keyof typeof NAT_KINDS;

/** An access by its name, with all fields that it may have. */
export function accessOf(kind: NatKind): Access {
  return NAT_KINDS[kind];
}

/** How long a mapping of a router lasts without traffic: RFC 4787 section 4.3 asks for two minutes at least. */
const MAPPING_S = 120;
/** Ports of sequential and random mappings. */
const PORTS = { first: 20_000, sequential: 4_096, random: 20_000 } as const;

export interface RouterWiring {
  /** The interface to the Internet, or to the carrier. */
  readonly outside: string;
  /** The interface to the hosts. */
  readonly inside: string;
  /** Of the hosts, `192.168.1.0/24`. */
  readonly network: string;
  /** The address outside. */
  readonly address: string;
  /** The one host inside, for `one-to-one`. */
  readonly only?: string;
}

/**
 * The nftables rules of a translating router, as one table `ip nat`.
 *
 * The kernel's own masquerading keeps the port where it can, so mappings are independent of the endpoint, and lets in
 * answers only: port-restricted. Others are let in by what outgoing packets leave in two dynamic tables: `mapped`, to
 * whom a port belongs, and `known`, to whom it has sent. Ports are kept for them, so two hosts inside must not use the
 * same one. A symmetric router asks for a port of its own for every new flow. Unsolicited packets must be dropped
 * before the kernel remembers them as flows of the router itself: those would take the port away from the host inside.
 */
export function natRules(nat: NatBehaviour, wiring: RouterWiring): string {
  const { outside, inside, network, address, only } = wiring;
  const cameIn = `iifname "${outside}"`;
  const fromInside = `iifname "${inside}" ip daddr ${address}`;
  const goesOut = `oifname "${outside}" meta l4proto udp`;
  const { first } = PORTS;
  // Counted through a table: nft gives the number itself in the byte order of the machine.
  const next = Array.from({ length: PORTS.sequential }, (_, i) => `${i} : ${first + i}`).join(', ');
  const source: Record<NatBehaviour['ports'], string> = {
    preserved: `${goesOut} snat to ${address}`,
    sequential: `${goesOut} snat to ${address}:numgen inc mod ${PORTS.sequential} map { ${next} }`,
    random: `${goesOut} snat to ${address}:${first}-${first + PORTS.random - 1} fully-random`,
  };
  const admitted: Record<Dependence, string | undefined> = {
    'endpoint-independent': '',
    'address-dependent': 'ip saddr . udp dport @known',
    'address-and-port-dependent': undefined,
  };
  const who = only === undefined ? 'udp dport map @mapped' : only;
  const admit = nat.mapping === 'endpoint-independent' ? admitted[nat.filtering] : undefined;
  const udpIn = admit === undefined ? '' : `${cameIn} meta l4proto udp ${admit} dnat to ${who}`;
  const udpBack = nat.hairpin ? `${fromInside} meta l4proto udp dnat to ${who}` : '';
  const otherIn = only === undefined ? '' : `${cameIn} dnat to ${only}`;
  return `table ip nat {
    map mapped { type inet_service : ipv4_addr; flags dynamic,timeout; size 65535; timeout ${MAPPING_S}s; }
    set known { type ipv4_addr . inet_service; flags dynamic,timeout; size 65535; timeout ${MAPPING_S}s; }
    chain learn { type filter hook postrouting priority 90;
      ${goesOut} update @mapped { udp sport : ip saddr } update @known { ip daddr . udp sport }
    }
    chain in { type nat hook prerouting priority dstnat;
      ${udpIn}
      ${udpBack}
      ${otherIn}
    }
    chain out { type nat hook postrouting priority srcnat;
      ${source[nat.ports]}
      oifname "${outside}" snat to ${address}
      ${nat.hairpin ? `oifname "${inside}" ip saddr ${network} snat to ${address}` : ''}
    }
    chain own { type filter hook input priority 0;
      ct state new ${cameIn} drop
      ct state new ${fromInside} drop
    }
  }`;
}

/** Rules that drop all UDP that would be forwarded. */
export const BLOCK_UDP = `table inet block {
    chain f { type filter hook forward priority 0; meta l4proto udp drop; }
  }`;

/** Rules that drop all IPv4, so that nothing but time tells. */
export const BREAK_IPV4 = `table ip broken {
    chain out { type filter hook output priority 0; oifname != "lo" drop; }
    chain in { type filter hook input priority 0; iifname != "lo" drop; }
  }`;

/** A firewall for IPv6 in which only answers come in from `outside`, as RFC 6092 recommends to homes. */
export function firewall6(outside: string): string {
  return `table ip6 wall {
    chain f { type filter hook forward priority 0; iifname "${outside}" ct state new,invalid drop; }
  }`;
}
