/**
 * Where others may try to reach us over UDP: where neighbours saw us, and what
 * the host bound. Never an address inside a group's subnet, which would dial
 * through our own tunnel (overlay.md "Links"). What the sightings say of NATs
 * is `NatSightings` in `link`.
 */
import { type Instant, sameBytes } from '@warren/base';
import { type IpFamily, mayProbe, type NatBehaviour, NatSightings, parseAddress, type Reflexive } from '@warren/link';
import { contains, parseAddress as parseIpv4, type Range, type Subnet } from '@warren/vpn';
import ipaddr from 'ipaddr.js';

const FAMILIES: readonly IpFamily[] = ['ipv6', 'ipv4'];
const UNKNOWN: NatBehaviour = { mapping: 'unknown', portStep: 0 };

/** What a group's device leads to. */
export interface Tunnel {
  readonly subnet: Subnet;
  /** The group's IPv6 prefix, 8 bytes. */
  readonly prefix6: Uint8Array;
  /** Behind other members. */
  readonly reached: readonly Range[];
}

/** The addresses of one participant. */
export class OwnAddresses {
  private readonly bound: () => readonly string[];
  private readonly tunnels: () => readonly Tunnel[];
  private readonly sightings = new NatSightings();
  private told = '';

  constructor(bound: () => readonly string[], tunnels: () => readonly Tunnel[]) {
    this.bound = bound;
    this.tunnels = tunnels;
    this.told = this.digest();
  }

  /** Notes where the neighbour at the address `to` saw us; true when neighbours are to be told something else than before. */
  note(to: string, seen: string, now: Instant): boolean {
    if (this.isOurTunnel(seen) || this.isOurTunnel(to) || !this.isPlausible(to, seen)) return false;
    if (!this.sightings.note(to, seen, now)) return false;
    const before = this.told;
    this.told = this.digest();
    return this.told !== before;
  }

  /** Forgets where neighbours saw us, as after sleep: they tell again. */
  forget(): void {
    this.sightings.clear();
  }

  /**
   * Whether an address lies behind the device of a group of ours, so that what we send there comes back to us to be sent.
   * Not what is on our own cable as well, as a router's network is for those who are in it.
   */
  isOurTunnel(address: string): boolean {
    const host = parseAddress(address)?.host;
    if (host === undefined) return false;
    const ip = ipaddr.process(host);
    const tunnels = this.tunnels();
    if (ip.kind() === 'ipv6') {
      const prefix = Uint8Array.from(ip.toByteArray()).subarray(0, 8);
      return tunnels.some(({ prefix6 }) => sameBytes(prefix, prefix6));
    }
    const inside = parseIpv4(ip.toString()) ?? Number.NaN;
    const isOn = (range: Range) => contains(range, inside) && !this.isOnCable(range);
    return tunnels.some(({ subnet, reached }) => contains(subnet, inside) || reached.some(isOn));
  }

  /** `192.0.2.7:41641`: where others see us, IPv6 first, then what is bound. */
  all(): string[] {
    const seen = FAMILIES.flatMap(family => this.reflexive(family)?.addresses ?? []);
    return [...new Set([...seen, ...this.bound()])].filter(address => !this.isOurTunnel(address));
  }

  /** What NATs do with our UDP over one address family; `undefined` while nobody has seen us there. */
  reflexive(family: IpFamily): Reflexive | undefined {
    return this.sightings.of(family, this.bound());
  }

  /** The same as neighbours are told: of IPv4, where most NATs are, if there is any. */
  get nat(): NatBehaviour {
    const { mapping, portStep } = this.reflexive('ipv4') ?? this.reflexive('ipv6') ?? UNKNOWN;
    return { mapping, portStep };
  }

  /** What is news when it changes. Where every neighbour sees us at another port, another port is none. */
  private digest(): string {
    const parts = FAMILIES.map(family => {
      const { mapping, portStep, addresses = [] } = this.reflexive(family) ?? {};
      const hosts = addresses.map(address => address.slice(0, address.lastIndexOf(':')));
      return [mapping, portStep, ...(mapping === 'endpoint-dependent' ? new Set(hosts) : addresses)].join(' ');
    });
    return parts.join();
  }

  /** Whoever is beyond our network does not see an address of it, and would have others send to their own network. */
  private isPlausible(to: string, seen: string): boolean {
    return mayProbe(seen, mayProbe(to, true)) || this.bound().includes(seen);
  }

  private isOnCable(range: Range): boolean {
    return this.bound().some(address => contains(range, parseIpv4(parseAddress(address)?.host ?? '') ?? Number.NaN));
  }
}
