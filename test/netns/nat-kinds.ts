/**
 * The kinds of router that the simulator has (`ACCESS_KINDS` of `@warren/sim`, in the words of RFC 4787), as nftables
 * rules: so that the lab's figures can be laid beside the simulator's. What each kind promises is checked by
 * `nat-kinds.test.ts` with plain sockets; what the kernel gives by itself and what needs a rule is told at `natRules`.
 *
 * Where mappings do not depend on the remote end, outside ports are those of inside, also where a kind says that they
 * are random: nothing in NAT traversal depends on that.
 */
import type { NatBehaviour } from '@warren/sim';

/** How a mapping or a filter depends on the remote end. */
export type Dependence = NatBehaviour['filtering'];

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
  /** The one host inside, where addresses are translated and not ports. */
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
    preserve: `${goesOut} snat to ${address}`,
    sequential: `${goesOut} snat to ${address}:numgen inc mod ${PORTS.sequential} map { ${next} }`,
    random: `${goesOut} snat to ${address}:${first}-${first + PORTS.random - 1} fully-random`,
  };
  const admitted: Record<Dependence, string | undefined> = {
    'endpoint-independent': '',
    'address-dependent': 'ip saddr . udp dport @known',
    'address-and-port-dependent': undefined,
  };
  const who = only === undefined ? 'udp dport map @mapped' : only;
  const isIndependent = nat.mapping === 'endpoint-independent';
  const admit = isIndependent ? admitted[nat.filtering] : undefined;
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
      ${source[isIndependent ? 'preserve' : nat.ports]}
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
