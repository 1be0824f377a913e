/**
 * The packet filter of a member whose traffic goes through a gateway: the table `inet warren_tunnel`, loaded in one
 * transaction, so that there is no moment without it. Chains in the order in which a packet meets them:
 *
 * ```text
 *   in    spoofed   the tunnel's addresses are reached by the tunnel only (CVE-2019-14899)
 *         answers   mark what comes back for us, so that strict reverse path filters take the main routing table
 *   out   marks     our own by group id: looked up again by mark; the user's while a pause lasts
 *         names     questions to name servers of the local network go to the group's
 *         sources   who chose an address before the way was known gets the one that belongs to it
 *         flows     our own connections stay known when their socket is gone
 *         guard     the kill switch: behind everything that may still change a route, for this machine's packets and
 *                   those it forwards; all but what is named is dropped
 * ```
 *
 * Packets that programs make down to the Ethernet header (DHCP clients) and bridged ones never come here.
 */
import { MARK_MASK, OWN_MARK, PAUSED_MARK } from './mark.ts';
import { nameSet, prefixSets } from './nft-text.ts';
import { addresses, deviceName, GROUPS, PRIVATE, prefixes } from './prefixes.ts';
import { dropTable } from './system.ts';

export const TUNNEL_TABLE = 'warren_tunnel';
/** The counter of what the kill switch dropped. */
export const STOPPED = 'stopped';
/** The set of ports that a pause opens; the kernel takes them out when it ends. */
export const PAUSED = 'paused';

const OWN = hex(OWN_MARK);
const PAUSE = hex(PAUSED_MARK);
/** Ports of questions for names, which tell what the user does: DNS, DNS over TLS (RFC 7858), LLMNR (RFC 4795). */
const NAME_PORTS = '{ 53, 853, 5355 }';
/** ICMPv6 without which a cable has no IPv6 (RFC 4861), and who listens to what on it (RFC 2710, RFC 3810). */
const NEIGHBOURS = '{ nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert }';
const LISTENERS = '{ mld-listener-report, mld-listener-done, mld2-listener-report }';

export interface TunnelRules {
  /** Ethernet devices of groups, whether they are there or not. */
  readonly taps: readonly string[];
  /** Prefixes of those groups. */
  readonly subnets: readonly string[];
  /** The group id of this process (`enterTunnelGroup`). */
  readonly groupId: number;
  /** Whether private addresses outside the groups are reached directly. */
  readonly allowLan: boolean;
  /** At most one name server of each family, inside the groups, for questions to local ones. */
  readonly nameServers: readonly string[];
}

/** nft commands that put the table in place, instead of any that is there. */
export function tunnelRules(o: TunnelRules): string {
  return `${dropTable(TUNNEL_TABLE)}
table inet ${TUNNEL_TABLE} {
  ${nameSet('taps', o.taps.map(deviceName))}
  ${prefixSets('subnets', prefixes(o.subnets))}
  ${prefixSets('private', PRIVATE)}
  ${prefixSets('groups', GROUPS)}
  set ${PAUSED} { type inet_service; flags timeout; }
  counter ${STOPPED} { }
  ${inbound()}
  ${outbound(o)}
  ${guard(o)}
}
`;
}

function inbound(): string {
  const elsewhere = 'iifname != "lo" iifname != @taps';
  return `chain spoofed { type filter hook prerouting priority raw;
    ${elsewhere} ip daddr @subnets4 fib daddr type local drop
    ${elsewhere} ip6 daddr @subnets6 fib daddr type local drop
  }
  chain answers { type filter hook prerouting priority mangle;
    ct mark ${OWN} meta mark set ${OWN}
    socket mark ${OWN} meta mark set ${OWN}
  }`;
}

function outbound({ groupId, nameServers }: TunnelRules): string {
  // A pause lets out new flows and those that it let out, not the ones that live in the tunnel.
  return `chain marks { type route hook output priority mangle;
    meta skgid ${groupId} meta mark set ${OWN}
    meta mark 0 meta l4proto tcp ct mark ${OWN} meta mark set ${OWN}
    meta mark 0 oifname != "lo" ct state new meta l4proto { tcp, udp } th dport @${PAUSED} ct mark set ${PAUSE}
    meta mark 0 ct mark ${PAUSE} meta l4proto { tcp, udp } th dport @${PAUSED} meta mark set ${PAUSE}
  }
  chain names { type nat hook output priority -100;
    ${redirects(nameServers).join('\n    ')}
  }
  chain sources { type nat hook postrouting priority srcnat;
    meta mark { ${OWN}, ${PAUSE} } oifname != "lo" oifname != @taps ip saddr @subnets4 masquerade
    meta mark { ${OWN}, ${PAUSE} } oifname != "lo" oifname != @taps ip6 saddr @subnets6 masquerade
    oifname @taps ip saddr != @subnets4 masquerade
    oifname @taps ip6 saddr != @subnets6 ip6 saddr != fe80::/10 ip6 saddr != :: masquerade
  }
  chain flows { type filter hook postrouting priority mangle;
    meta mark ${OWN} ct mark set ${OWN}
  }`;
}

function redirects(nameServers: readonly string[]): string[] {
  const { v4, v6 } = addresses(nameServers);
  const question = 'meta mark 0 oifname != "lo" meta l4proto { tcp, udp } th dport 53';
  return [
    ...(v4 === undefined ? [] : [`${question} ip daddr @private4 ip daddr != @subnets4 dnat ip to ${v4}`]),
    ...(v6 === undefined ? [] : [`${question} ip6 daddr @private6 ip6 daddr != @subnets6 dnat ip6 to ${v6}`]),
  ];
}

function guard({ allowLan }: TunnelRules): string {
  const lan = `ip daddr @subnets4 counter name ${STOPPED} drop
    ip6 daddr @subnets6 counter name ${STOPPED} drop
    meta l4proto { tcp, udp } th dport ${NAME_PORTS} counter name ${STOPPED} drop
    ip daddr @private4 accept
    ip6 daddr @private6 accept
    ip daddr @groups4 accept
    ip6 daddr @groups6 accept`;
  return `chain guard { type filter hook postrouting priority 350; policy drop;
    oifname "lo" accept
    oifname @taps accept
    meta mark & ${hex(MARK_MASK)} == ${OWN} accept
    udp sport 68 udp dport 67 accept
    udp sport 546 udp dport 547 ip6 daddr { fe80::/10, ff02::1:2 } accept
    ip6 hoplimit 255 icmpv6 type ${NEIGHBOURS} accept
    ip6 hoplimit 1 icmpv6 type ${LISTENERS} accept
    ${allowLan ? lan : ''}
    counter name ${STOPPED} drop
  }`;
}

function hex(mark: number): string {
  return `0x${mark.toString(16)}`;
}
