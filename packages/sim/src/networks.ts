/**
 * Networks within networks: the Internet, what lies behind a router, and
 * behind a router there. A datagram goes up through routers until its
 * destination is in the network where it is, turns, and goes down. Outer sides
 * act when it is sent, inner sides when it arrives.
 */
import type { Instant } from '@warren/base';
import type { IceMessage } from './ice.ts';
import { ipOf, NatBox } from './nat.ts';
import type { NatBehaviour, RouterKind } from './nat-kinds.ts';
import { SeededRandom } from './random.ts';

/** What a datagram holds: bytes of Warren, or what ICE agents say to each other. */
export type UdpPayload = Uint8Array | IceMessage;

/** A UDP socket in some network. */
export interface NetworkSocket {
  /** The name of its host. */
  readonly name: string;
  receive(from: string, payload: UdpPayload): void;
}

/** Where a datagram turns downwards, and from where it comes there. */
export interface Turn {
  readonly network: SimNetwork;
  readonly from: string;
}

/** Addresses of one host, in `ipOf` form, by family; absent: none. */
export interface HostAddresses {
  readonly v4?: string;
  readonly v6?: string;
}

/** A network: its sockets, and routers with an outer side in it. */
export class SimNetwork {
  /** What leads out of it; `undefined`: it is the Internet. */
  readonly router: SimRouter | undefined;
  private readonly sockets = new Map<string, NetworkSocket>();
  /** By outer address, and by the addresses that a router leads to without translation. */
  private readonly routers = new Map<string, SimRouter>();
  private readonly taken = new Map<string, number>();
  private readonly seed: number;
  /** First parts of addresses here: two octets, three or more groups. */
  private readonly v4: string;
  private readonly v6: string;
  private made = 0;

  constructor(seed: number, router?: SimRouter, v4 = '198.18', v6 = '2001:db8:') {
    this.seed = seed;
    this.router = router;
    this.v4 = v4;
    this.v6 = v6;
  }

  /**
   * Puts a router with a network behind it here. Homes have the same private addresses everywhere, as they do in
   * earnest; behind a carrier's router they are those of RFC 6598.
   */
  behind(kind: RouterKind, is: 'home' | 'carrier' = 'home'): SimNetwork {
    const outerIp = this.newAddresses({ v4: true, v6: false }).v4 as string;
    const prefixes = { v4: is === 'home' ? '192.168' : '100.64', v6: `${this.v6}${this.made}:` };
    return new SimRouter(this, kind, outerIp, prefixes, this.seed).inside;
  }

  /** Addresses of a new host: one of each family that passes this network. */
  newHost(): HostAddresses {
    const kind = this.router?.kind;
    return this.newAddresses({ v4: kind?.v4 !== 'absent', v6: kind !== undefined && kind.v6 !== 'absent' });
  }

  /** A second address for a host that has an IPv4 one: the Internet has both families. */
  newV6(): string {
    return this.newAddresses({ v4: false, v6: true }).v6 as string;
  }

  /** Opens a socket at `address`, or replaces one there. */
  open(address: string, socket: NetworkSocket): void {
    const before = this.sockets.get(address);
    if (before !== undefined) this.close(address, before);
    this.sockets.set(address, socket);
    const ip = ipOf(address);
    this.router?.leadsTo(ip);
    this.taken.set(ip, (this.taken.get(ip) ?? 0) + 1);
  }

  /** Closes what `socket` has at `address`. */
  close(address: string, socket: NetworkSocket): void {
    if (this.sockets.get(address) !== socket) return;
    this.sockets.delete(address);
    const ip = ipOf(address);
    const left = (this.taken.get(ip) ?? 1) - 1;
    if (left === 0) this.taken.delete(ip);
    else this.taken.set(ip, left);
  }

  /** The socket at an address of this very network. */
  at(address: string): NetworkSocket | undefined {
    return this.sockets.get(address);
  }

  /** Sends a datagram: through all routers up to where it turns. `undefined`: one of them dropped it. */
  ascend(from: string, to: string, now: Instant): Turn | undefined {
    const { router } = this;
    if (router === undefined || this.taken.has(ipOf(to)) || this.routers.has(ipOf(to))) return { network: this, from };
    const source = router.outbound(from, to, now);
    return source === undefined ? undefined : router.outside.ascend(source, to, now);
  }

  /** Hands a datagram down to whoever it is for. `undefined`: nobody, or a router dropped it. */
  descend(from: string, to: string, now: Instant): NetworkSocket | undefined {
    const router = this.routers.get(ipOf(to));
    if (router === undefined) return this.sockets.get(to);
    const inner = router.inbound(to, from, now);
    return inner === undefined ? undefined : router.inside.descend(from, inner, now);
  }

  /** Whose datagrams to `to` are, whether or not they come in. */
  ownerOf(to: string): NetworkSocket | undefined {
    const router = this.routers.get(ipOf(to));
    if (router === undefined) return this.sockets.get(to);
    const inner = router.box(to)?.innerOf(to);
    return inner === undefined ? undefined : router.inside.ownerOf(inner);
  }

  /** Whether TCP gets from here to an address of the Internet. */
  reachesOut(address: string): boolean {
    return this.routersAbove.every(router => router.box(address) !== undefined);
  }

  /** Routers between this network and the Internet, the nearest first. */
  get routersAbove(): readonly SimRouter[] {
    return this.router === undefined ? [] : [this.router, ...this.router.outside.routersAbove];
  }

  /** The Internet. */
  get root(): SimNetwork {
    return this.router?.outside.root ?? this;
  }

  /** Notes that a router leads to an address. */
  route(ip: string, router: SimRouter): void {
    this.routers.set(ip, router);
  }

  private newAddresses(families: { readonly v4: boolean; readonly v6: boolean }): HostAddresses {
    this.made++;
    const n = 1 + this.made;
    const v4 = families.v4 ? { v4: `${this.v4}.${1 + (n >> 8)}.${n & 255}` } : {};
    const v6 = families.v6 ? { v6: `[${this.v6}:${n.toString(16)}]` } : {};
    return { ...v4, ...v6 };
  }
}

/** A router between two networks. */
export class SimRouter {
  readonly kind: RouterKind;
  readonly outside: SimNetwork;
  readonly inside: SimNetwork;
  private readonly outerIp: string;
  private readonly v4: NatBox | undefined;
  private readonly v6: NatBox | undefined;

  constructor(
    outside: SimNetwork,
    kind: RouterKind,
    outerIp: string,
    inner: { readonly v4: string; readonly v6: string },
    seed: number,
  ) {
    this.kind = kind;
    this.outside = outside;
    this.outerIp = outerIp;
    const box = (behaviour: NatBehaviour | 'absent' | 'dead') =>
      typeof behaviour === 'string'
        ? undefined
        : new NatBox(behaviour, outerIp, new SeededRandom(seed, `NAT ${outerIp} ${inner.v6}`));
    this.v4 = box(kind.v4);
    this.v6 = box(kind.v6);
    this.inside = new SimNetwork(seed, this, inner.v4, inner.v6);
    outside.route(outerIp, this);
    outside.router?.leadsTo(outerIp);
  }

  /** What treats datagrams of the family of `address`. */
  box(address: string): NatBox | undefined {
    return address.startsWith('[') ? this.v6 : this.v4;
  }

  /** Empties its tables, as when it restarts. */
  flush(): void {
    this.v4?.flush();
    this.v6?.flush();
  }

  outbound(from: string, to: string, now: Instant): string | undefined {
    const box = this.box(to);
    if (!this.kind.udp || box === undefined) return undefined;
    if (ipOf(to) === this.outerIp && !box.behaviour.hairpin) return undefined;
    return box.outbound(from, to, now);
  }

  inbound(to: string, from: string, now: Instant): string | undefined {
    return this.kind.udp ? this.box(to)?.inbound(to, from, now) : undefined;
  }

  /** An inner host has this address: where it is not translated, everybody outside has to know the way. */
  leadsTo(ip: string): void {
    const box = this.box(ip);
    box?.admit(ip);
    if (box?.behaviour.translates !== 'none') return;
    this.outside.route(ip, this);
    this.outside.router?.leadsTo(ip);
  }
}
