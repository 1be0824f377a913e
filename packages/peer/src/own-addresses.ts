/**
 * Where others may try to reach us over UDP: where neighbours saw us, and what
 * the host bound. Never an address inside a group's subnet, which would dial
 * through our own tunnel (overlay.md "Links"). What the sightings say of NATs
 * is `NatSightings` in `link`.
 */
import type { Instant } from '@warren/base';
import { type IpFamily, mayProbe, type NatBehaviour, NatSightings, type Reflexive } from '@warren/link';
import { contains, parseAddress, type Subnet } from '@warren/vpn';

const FAMILIES: readonly IpFamily[] = ['ipv6', 'ipv4'];
const UNKNOWN: NatBehaviour = { mapping: 'unknown', portStep: 0 };

/** The addresses of one participant. */
export class OwnAddresses {
  private readonly bound: () => readonly string[];
  private readonly subnets: () => readonly Subnet[];
  private readonly sightings = new NatSightings();
  private told = '';

  constructor(bound: () => readonly string[], subnets: () => readonly Subnet[]) {
    this.bound = bound;
    this.subnets = subnets;
    this.told = this.digest();
  }

  /** Notes where the neighbour at the address `to` saw us; true when neighbours are to be told something else than before. */
  note(to: string, seen: string, now: Instant): boolean {
    if (this.isOurTunnel(seen) || this.isOurTunnel(to) || !this.isPlausible(to, seen)) return false;
    this.sightings.note(to, seen, now);
    const before = this.told;
    this.told = this.digest();
    return this.told !== before;
  }

  /** Forgets where neighbours saw us, as after sleep: they tell again. */
  forget(): void {
    this.sightings.clear();
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

  private isOurTunnel(address: string): boolean {
    const host = parseAddress(address.slice(0, address.lastIndexOf(':')));
    return host !== undefined && this.subnets().some(subnet => contains(subnet, host));
  }
}
