/**
 * The packet filter of a gateway: the table `inet warren_gateway`, loaded in one transaction. Members get to the Internet
 * under this machine's address, in both families, and to nothing else; nobody gets to them.
 *
 * ```text
 *   from the device   forward   outward: from the group's addresses, to what is the Internet; counted
 *                     input     this machine's other addresses are not for members
 *   to the device     forward   inward: answers only
 *   elsewhere         forward   dropped in a family that forwards because of us: a gateway is nobody else's router
 *   leaving           sources   masquerade (RFC 3022; for IPv6 the same, since what a group has there is not routed)
 * ```
 *
 * Accepting here binds nobody: other tables may drop what passed (`forward-obstacles.ts`).
 */
import { nameSet, prefixSets } from './nft-text.ts';
import { deviceName, NOT_INTERNET, type Prefixes, prefixes } from './prefixes.ts';
import { dropTable, type IpFamily } from './system.ts';

export const GATEWAY_TABLE = 'warren_gateway';
/** Counters: first packets of flows that members asked for, those of them that left, packets refused. */
export const ASKED = 'asked';
export const LEFT = 'left';
export const REFUSED = 'refused';

export interface GatewayRules {
  /** The device of the group whose members it serves. */
  readonly tap: string;
  /** The devices of all groups of this machine: there is no way from one into another. */
  readonly taps: readonly string[];
  /** The group's prefixes. */
  readonly subnets: readonly string[];
  /** Whether members reach this machine's local network. */
  readonly allowLan: boolean;
  /** Prefixes that this machine is connected to. */
  readonly connected: readonly string[];
  /** Families that forward only because of us. */
  readonly ours: readonly IpFamily[];
}

/** nft commands that put the table in place, instead of any that is there. */
export function gatewayRules(o: GatewayRules): string {
  const tap = deviceName(o.tap);
  return `${dropTable(GATEWAY_TABLE)}
table inet ${GATEWAY_TABLE} {
  ${nameSet('taps', o.taps.map(deviceName))}
  ${prefixSets('subnets', prefixes(o.subnets))}
  ${prefixSets('blocked', blocked(o))}
  counter ${ASKED} { }
  counter ${LEFT} { }
  counter ${REFUSED} { }
  chain outward {
    oifname @taps counter name ${REFUSED} drop
    meta nfproto ipv4 ip saddr != @subnets4 counter name ${REFUSED} drop
    meta nfproto ipv6 ip6 saddr != @subnets6 counter name ${REFUSED} drop
    ct state invalid counter name ${REFUSED} drop
    ip daddr @blocked4 counter name ${REFUSED} reject with icmpx admin-prohibited
    ip6 daddr @blocked6 counter name ${REFUSED} reject with icmpx admin-prohibited
    tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu
    ct state new counter name ${ASKED}
    accept
  }
  chain inward {
    tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu
    ct state established,related accept
    counter name ${REFUSED} drop
  }
  chain forward { type filter hook forward priority filter - 10;
    iifname "${tap}" jump outward
    oifname "${tap}" jump inward
    ${o.ours.map(family => `iifname != @taps oifname != @taps meta nfproto ipv${family} drop`).join('\n    ')}
  }
  chain input { type filter hook input priority filter - 10;
    ${o.allowLan ? '' : onlyTheGroup(tap)}
  }
  chain sources { type nat hook postrouting priority srcnat;
    oifname != "lo" oifname != @taps ip saddr @subnets4 counter name ${LEFT} masquerade
    oifname != "lo" oifname != @taps ip6 saddr @subnets6 counter name ${LEFT} masquerade
  }
}
`;
}

/** Even with access to the local network there is nothing to find on loopback. */
function blocked({ allowLan, connected }: GatewayRules): Prefixes {
  if (allowLan) return { v4: ['127.0.0.0/8'], v6: ['::/127'] };
  // A prefix of no bits is a link to the whole Internet, not a network of ours.
  const own = prefixes(connected.filter(prefix => !prefix.endsWith('/0')));
  return { v4: [...NOT_INTERNET.v4, ...own.v4], v6: [...NOT_INTERNET.v6, ...own.v6] };
}

/** A machine has all its addresses on every device (RFC 1122 3.3.4.2, weak model): those of its local network too. */
function onlyTheGroup(tap: string): string {
  return `iifname "${tap}" ip daddr != @subnets4 ip daddr != { 224.0.0.0/4, 255.255.255.255 } counter name ${REFUSED} drop
    iifname "${tap}" ip6 daddr != @subnets6 ip6 daddr != { fe80::/10, ff00::/8 } counter name ${REFUSED} drop`;
}
