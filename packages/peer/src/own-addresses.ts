/**
 * Where others may try to reach us over UDP: what the host bound, and what
 * neighbours saw. Never an address inside a group's subnet, which would dial
 * through our own tunnel (overlay.md "Links").
 */
import { contains, parseAddress, type Subnet } from '@warren/vpn';

/** Addresses that neighbours saw us at. They may lie, so few are believed. */
const SEEN_MAX = 4;

/** The addresses of one participant. */
export class OwnAddresses {
  private readonly bound: () => readonly string[];
  private readonly subnets: () => readonly Subnet[];
  private readonly seen = new Set<string>();

  constructor(bound: () => readonly string[], subnets: () => readonly Subnet[]) {
    this.bound = bound;
    this.subnets = subnets;
  }

  /** Notes from where a neighbour saw us; true when that is news. */
  note(address: string): boolean {
    if (this.seen.has(address) || this.seen.size >= SEEN_MAX || this.bound().includes(address)) return false;
    this.seen.add(address);
    return true;
  }

  /** Forgets where neighbours saw us, as after sleep: they tell again. */
  forget(): void {
    this.seen.clear();
  }

  /** `192.0.2.7:41641`, bound ones first. */
  all(): string[] {
    return [...this.bound(), ...this.seen].filter(address => !this.isOurTunnel(address));
  }

  private isOurTunnel(address: string): boolean {
    const host = parseAddress(address.slice(0, address.lastIndexOf(':')));
    return host !== undefined && this.subnets().some(subnet => contains(subnet, host));
  }
}
