/**
 * An internet with routers that translate addresses, in network namespaces (Linux, root):
 *
 *     ada, bob             cy                   dan               node
 *     192.168.1.2, .3      192.168.1.2          192.168.1.2       (on the segment itself)
 *        |                    |                    |                |
 *     home router r0       home router r1       home router r2      |
 *        |                    |  100.64.0.0/24     |                |
 *        |                    +-- carrier c0 ------+                |
 *        |                            |                             |
 *     ===+============== west ========+=============================+=====   198.51.100.0/24, 2001:db8:1::/48
 *                          |
 *                        core   .254, routes between the segments
 *                          |
 *     ===+============== east ============================================   203.0.113.0/24, 2001:db8:2::/48
 *        |
 *     home router r3 -- eve
 *
 * What routers do is told in the simulator's words (`AccessKind`, see `nat-kinds.ts`). All homes use the same private
 * addresses, as homes do. The line of a home may be lossy (nft numgen), slow (tc tbf) and long: the kernel has no netem
 * here, so a program of ours holds frames back.
 */
import { join } from 'node:path';
import type { AccessKind, NatBehaviour, RouterKind } from '@warren/sim';
import { INTERFACE } from './lab.ts';
import { type Line, limits } from './lines.ts';
import { Namespaces } from './namespaces.ts';
import { BLOCK_UDP, BREAK_IPV4, firewall6, natRules, type RouterWiring } from './nat-kinds.ts';

export type Segment = 'west' | 'east';

export interface NatHost {
  /** 1 to 12 of `a-z 0-9`, not a letter and a number alone, and not `core`. */
  readonly name: string;
  /** Its home router and perhaps a carrier's, in this order; none: it is on the segment itself, with both families. */
  readonly access: AccessKind;
  readonly segment: Segment;
  /** In the same home as this host, which comes earlier in the list; access and segment are the same then. */
  readonly with?: string;
  /** Behind the same carrier as this host, which comes earlier in the list. */
  readonly carrierOf?: string;
  /** What the cable of its home router is like; good by default. Only behind a home router. */
  readonly line?: Line;
}

/** The namespace between the segments; programs may run there too. */
export const CORE = 'core';
const INSIDE = 'lan0';
const SIDES = { outside: INTERFACE, inside: INSIDE };
const V4 = { west: '198.51.100', east: '203.0.113' } as const;
const V6 = { west: '2001:db8:1', east: '2001:db8:2' } as const;
const DELAY_HOP = join(import.meta.dirname, 'delay-hop.ts');
const TOO_MANY = 240;

/** One home router with those behind it. */
interface Home {
  readonly router: string;
  /** Of a carrier. */
  readonly carrier: string | undefined;
  readonly access: AccessKind;
  readonly segment: Segment;
  readonly hosts: string[];
  readonly line: Line | undefined;
  /** Also the number of its IPv6 network. */
  readonly number: number;
}

export class NatLab extends Namespaces {
  private readonly hosts: ReadonlyMap<string, NatHost>;
  private readonly homes: readonly Home[];
  private readonly addresses = new Map<string, string>();
  private readonly addresses6 = new Map<string, string>();
  /** Addresses of routers and carriers on a segment. */
  private readonly outsides = new Map<string, string>();
  private readonly taken = { west: 0, east: 0 };
  private cables = 0;

  private constructor(hosts: readonly NatHost[]) {
    const homes = homesOf(hosts);
    const carriers = new Set(homes.flatMap(({ carrier }) => carrier ?? []));
    super([CORE, ...hosts.map(({ name }) => name), ...homes.map(({ router }) => router), ...carriers]);
    this.hosts = new Map(hosts.map(host => [host.name, host]));
    this.homes = homes;
  }

  /** Builds the lab; removes first what dead processes left behind. Rejects with what the system said. */
  static async create(hosts: readonly NatHost[]): Promise<NatLab> {
    if (hosts.length > TOO_MANY) throw new Error(`too many hosts: ${hosts.length}`);
    const lab = new NatLab(hosts);
    await lab.raise(() => lab.build());
    return lab;
  }

  /** The host's own IPv4 address; `undefined` where it has none. */
  address(host: string): string | undefined {
    this.host(host);
    return this.addresses.get(host);
  }

  /** The same for IPv6. */
  address6(host: string): string | undefined {
    this.host(host);
    return this.addresses6.get(host);
  }

  /** The IPv4 address under which the Internet sees it. */
  outside(host: string): string | undefined {
    const path = this.routers(host);
    return path.length === 0 ? this.address(host) : this.outsides.get(path.at(-1) as string);
  }

  /** Home router and carrier of a host, in this order, as far as there are any. */
  routers(host: string): string[] {
    const home = this.homes.find(({ hosts }) => hosts.includes(host));
    return [home?.router, home?.carrier].filter(router => router !== undefined);
  }

  /** Has a host's routers forget all mappings, as when they start again (faults row 25). */
  async flush(host: string): Promise<void> {
    for (const router of this.routers(host)) {
      await this.exec(router, ['conntrack', '-F']);
      if (this.outsides.has(router)) await this.nft(router, 'flush map ip nat mapped\nflush set ip nat known');
    }
  }

  /** Drops, in `core`, what hosts of two homes send each other; they reach each other through others only. */
  async separate(one: string, other: string): Promise<void> {
    const [a, b] = [this.outside(one), this.outside(other)];
    if (a === undefined || b === undefined) throw new Error(`${one} and ${other} have no outside addresses`);
    await this.nft(
      CORE,
      `table ip apart {
        chain f { type filter hook forward priority 0;
          ip saddr ${a} ip daddr ${b} drop
          ip saddr ${b} ip daddr ${a} drop
        }
      }`,
    );
  }

  /** Gives the home of a host another public address, as a provider does at night; flows through it are dead. */
  async readdress(host: string): Promise<void> {
    const [router] = this.routers(host);
    const { segment, access } = this.host(host);
    const old = router && this.outsides.get(router);
    const nat = access[0] && translation(access[0]);
    if (router === undefined || old === undefined || nat === undefined) throw new Error(`${host} has no home router`);
    const fresh = this.take(segment);
    this.outsides.set(router, fresh);
    await this.ip(router, [
      `address del ${old}/24 dev ${INTERFACE}`,
      `address add ${fresh}/24 dev ${INTERFACE}`,
      `route add default via ${V4[segment]}.254`,
    ]);
    await this.nft(router, `delete table ip nat\n${natRules(nat, homeWiring(fresh, nat))}`);
    await this.exec(router, ['conntrack', '-F']);
  }

  private host(name: string): NatHost {
    const host = this.hosts.get(name);
    if (host === undefined) throw new Error(`the lab has no host ${name}`);
    return host;
  }

  private async build(): Promise<void> {
    await this.buildCore();
    const carriers = new Map(this.homes.flatMap(home => (home.carrier === undefined ? [] : [[home.carrier, home]])));
    for (const [carrier, { access, segment }] of carriers) await this.buildCarrier(carrier, access[1], segment);
    for (const home of this.homes) await this.buildHome(home);
    for (const { name, access, segment } of this.hosts.values()) {
      if (access.length === 0) await this.buildOpen(name, segment);
    }
  }

  private async buildCore(): Promise<void> {
    await this.prepare(CORE, true);
    for (const segment of ['west', 'east'] as const) {
      await this.ip(CORE, [
        `link add name ${segment} type bridge`,
        `link set ${segment} up`,
        `address add ${V4[segment]}.254/24 dev ${segment}`,
        `address add ${V6[segment]}::254/64 dev ${segment} nodad`,
      ]);
    }
  }

  private async buildCarrier(carrier: string, kind: RouterKind | undefined, segment: Segment): Promise<void> {
    const nat = kind && translation(kind);
    if (nat === undefined) throw new Error('a carrier translates');
    await this.prepare(carrier, false);
    const address = this.take(segment);
    this.outsides.set(carrier, address);
    await this.cable(carrier, segment);
    await this.ip(carrier, [
      `address add ${address}/24 dev ${INTERFACE}`,
      `route add default via ${V4[segment]}.254`,
      ...bridge('100.64.0.254/24'),
    ]);
    await this.nft(carrier, natRules(nat, { ...SIDES, network: '100.64.0.0/24', address }));
  }

  private async buildHome(home: Home): Promise<void> {
    const { router, carrier, access, segment, number, line } = home;
    const kind = access[0] as RouterKind;
    await this.prepare(router, kind.v6 !== 'absent');
    if (carrier === undefined) await this.cable(router, segment, line);
    else await this.plug(carrier, router);
    await this.ip(router, bridge('192.168.1.1/24'));
    const nat = translation(kind);
    if (nat !== undefined) {
      const address = carrier === undefined ? this.take(segment) : `100.64.0.${number + 1}`;
      this.outsides.set(router, address);
      await this.ip(router, [
        `address add ${address}/24 dev ${INTERFACE}`,
        `route add default via ${carrier === undefined ? `${V4[segment]}.254` : '100.64.0.254'}`,
      ]);
      await this.nft(router, natRules(nat, homeWiring(address, nat)));
    }
    if (!kind.udp) await this.nft(router, BLOCK_UDP);
    if (kind.v6 !== 'absent') await this.route6(home);
    for (const [i, host] of home.hosts.entries()) await this.buildInside(home, host, i + 2);
  }

  /** A home's own IPv6 network behind its firewall. */
  private async route6({ router, segment, number }: Home): Promise<void> {
    const [own, inside] = [`${V6[segment]}::${number + 1}:1`, `${V6[segment]}:${(number + 1).toString(16)}`];
    await this.ip(router, [
      `address add ${own}/64 dev ${INTERFACE} nodad`,
      `route add default via ${V6[segment]}::254`,
      `address add ${inside}::1/64 dev ${INSIDE} nodad`,
    ]);
    await this.ip(CORE, [`route add ${inside}::/64 via ${own}`]);
    await this.nft(router, firewall6(INTERFACE));
  }

  private async buildInside({ router, access, segment, number }: Home, host: string, place: number): Promise<void> {
    const { v4, v6 } = access[0] as RouterKind;
    await this.prepare(host, v6 !== 'absent');
    await this.plug(router, host);
    if (v4 !== 'absent') {
      this.addresses.set(host, `192.168.1.${place}`);
      await this.ip(host, [`address add 192.168.1.${place}/24 dev ${INTERFACE}`, 'route add default via 192.168.1.1']);
    }
    if (v4 === 'dead') await this.nft(host, BREAK_IPV4);
    if (v6 === 'absent') return;
    const network = `${V6[segment]}:${(number + 1).toString(16)}`;
    this.addresses6.set(host, `${network}::${place}`);
    await this.ip(host, [
      `address add ${network}::${place}/64 dev ${INTERFACE} nodad`,
      `route add default via ${network}::1`,
    ]);
  }

  private async buildOpen(host: string, segment: Segment): Promise<void> {
    const address = this.take(segment);
    const address6 = `${V6[segment]}::${address.split('.').at(-1)}`;
    this.addresses.set(host, address);
    this.addresses6.set(host, address6);
    await this.prepare(host, true);
    await this.cable(host, segment);
    await this.ip(host, [
      `address add ${address}/24 dev ${INTERFACE}`,
      `route add default via ${V4[segment]}.254`,
      `address add ${address6}/64 dev ${INTERFACE} nodad`,
      `route add default via ${V6[segment]}::254`,
    ]);
  }

  /** Loopback, forwarding, and IPv6 only where it is meant to be. */
  private async prepare(namespace: string, v6: boolean): Promise<void> {
    const set = [
      'echo 1 >net/ipv4/ip_forward',
      // Else a bridge translates by itself what comes back into it, and by half.
      'for f in net/bridge/bridge-nf-call-*; do [ ! -e $f ] || echo 0 >$f; done',
      `echo ${v6 ? 0 : 1} >net/ipv6/conf/all/disable_ipv6`,
      ...(v6 ? ['echo 1 >net/ipv6/conf/all/forwarding', 'echo 0 >net/ipv6/conf/default/accept_ra'] : []),
    ];
    await this.exec(namespace, ['sh', '-ec', `cd /proc/sys\n${set.join('\n')}`]);
    await this.ip(namespace, ['link set lo up']);
  }

  /** A cable from the `wan0` of `to` into a segment. */
  private async cable(to: string, segment: Segment, line?: Line): Promise<void> {
    const port = `port${this.cables++}`;
    const far = this.namespace(to);
    if (line?.delayMs === undefined) {
      await this.ip(CORE, [`link add name ${port} type veth peer name ${INTERFACE} netns ${far}`]);
    } else {
      const hop = this.spawn(CORE, [process.execPath, DELAY_HOP, port, `far${port}`, String(line.delayMs)]);
      await hop.line(/^ready$/);
      await this.ip(CORE, [`link set far${port} netns ${far}`]);
      await this.ip(to, [`link set far${port} name ${INTERFACE}`]);
    }
    await this.ip(CORE, [`link set ${port} master ${segment} up`]);
    await this.ip(to, [`link set ${INTERFACE} up`]);
    if (line === undefined) return;
    await limits(this, CORE, port, line);
    await limits(this, to, INTERFACE, line);
  }

  /** A cable from the `wan0` of `to` into the bridge of a router. */
  private async plug(router: string, to: string): Promise<void> {
    const port = `port${this.cables++}`;
    await this.ip(router, [
      `link add name ${port} type veth peer name ${INTERFACE} netns ${this.namespace(to)}`,
      `link set ${port} master ${INSIDE} up`,
    ]);
    await this.ip(to, [`link set ${INTERFACE} up`]);
  }

  /** A fresh public address. */
  private take(segment: Segment): string {
    return `${V4[segment]}.${++this.taken[segment]}`;
  }
}

function homesOf(hosts: readonly NatHost[]): Home[] {
  const homes: Home[] = [];
  const homeOf = (host: string | undefined): Home | undefined =>
    host === undefined ? undefined : homes.find(({ hosts }) => hosts.includes(host));
  for (const { name, access, segment, with: housemate, carrierOf, line } of hosts) {
    if (/^(core|[a-z]\d+)$/.test(name)) throw new Error(`not good as the name of a host: ${name}`);
    if (line !== undefined && access.length !== 1) throw new Error(`${name} has no line of its own`);
    if (access.length === 0) continue;
    const shared = homeOf(housemate);
    if (shared !== undefined) {
      shared.hosts.push(name);
      continue;
    }
    const number = homes.length;
    const carrier = access.length === 1 ? undefined : (homeOf(carrierOf)?.carrier ?? `c${number}`);
    homes.push({ router: `r${number}`, carrier, access, segment, hosts: [name], line, number });
  }
  return homes;
}

/** What a router does with IPv4; `undefined` where it passes none. */
function translation({ v4 }: RouterKind): NatBehaviour | undefined {
  return typeof v4 === 'string' ? undefined : v4;
}

function homeWiring(address: string, { translates }: NatBehaviour): RouterWiring {
  const common = { ...SIDES, network: '192.168.1.0/24', address };
  return translates === 'address' ? { ...common, only: '192.168.1.2' } : common;
}

/** `ip` commands that make a router's inside. */
function bridge(address: string): string[] {
  return [`link add name ${INSIDE} type bridge`, `link set ${INSIDE} up`, `address add ${address} dev ${INSIDE}`];
}
