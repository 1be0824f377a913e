/**
 * One NAT or firewall for one family of addresses, as a table with the lookup
 * keys of RFC 4787: which outer endpoint a datagram leaves from, and who may
 * come in there. Endpoints are text, `192.0.2.7:4000` or `[2001:db8::7]:4000`.
 */
import type { Instant } from '@warren/base';
import type { Dependence, NatBehaviour } from './nat-kinds.ts';
import type { SeededRandom } from './random.ts';

/** Ports that are given out where the inner one is not kept: 1024 to 65535 (RFC 4787, REQ-3). */
const FIRST_PORT = 1024;
const PORTS = 65_536 - FIRST_PORT;

/** What went out last under one key of the filter. */
interface Permission {
  sentAt: Instant;
  isReplied: boolean;
}

interface Mapping {
  readonly key: string;
  readonly inner: string;
  readonly outer: string;
  /** Who may come in, by the key of the filter. The mapping lives as long as one of them. */
  readonly permissions: Map<string, Permission>;
}

/** The host part of an endpoint: `192.0.2.7` or `[2001:db8::7]`. */
export function ipOf(endpoint: string): string {
  return endpoint.slice(0, endpoint.lastIndexOf(':'));
}

/** The port of an endpoint. */
export function portOf(endpoint: string): number {
  return Number(endpoint.slice(endpoint.lastIndexOf(':') + 1));
}

/** The table of one box. */
export class NatBox {
  readonly behaviour: NatBehaviour;
  /** The address that inner hosts have outside, as in `ipOf`. Of a firewall: none. */
  readonly outerIp: string;
  private readonly random: SeededRandom;
  private readonly byKey = new Map<string, Mapping>();
  private readonly byOuter = new Map<string, Mapping>();
  private nextPort: number;
  /** The inner host of a box that translates addresses alone. */
  private onlyIp: string | undefined;

  constructor(behaviour: NatBehaviour, outerIp: string, random: SeededRandom) {
    this.behaviour = behaviour;
    this.outerIp = outerIp;
    this.random = random;
    this.nextPort = this.randomPort();
  }

  /** Tells of an inner host. */
  admit(ip: string): void {
    this.onlyIp ??= ip;
  }

  /** A datagram goes out; gives the endpoint that it comes from outside. */
  outbound(inner: string, remote: string, now: Instant): string {
    const { translates, mapping, filtering } = this.behaviour;
    if (translates === 'address') return `${this.outerIp}:${portOf(inner)}`;
    const key = `${inner} ${lookupKey(mapping, remote)}`;
    const known = this.byKey.get(key);
    const entry = known !== undefined && this.isOpen(known, now) ? known : this.open(key, inner, now);
    const permission = lookupKey(filtering, remote);
    const before = this.permission(entry, permission, now);
    entry.permissions.set(permission, { sentAt: now, isReplied: before?.isReplied ?? false });
    return entry.outer;
  }

  /** A datagram comes in; gives the inner endpoint that it is for, `undefined` when it is dropped. */
  inbound(outer: string, remote: string, now: Instant): string | undefined {
    if (this.behaviour.translates === 'address') return this.innerOf(outer);
    const entry = this.byOuter.get(outer);
    const permission = entry && this.permission(entry, lookupKey(this.behaviour.filtering, remote), now);
    if (permission === undefined) return undefined;
    permission.isReplied = true;
    return entry?.inner;
  }

  /** The inner endpoint behind an outer one, whoever may come in there. */
  innerOf(outer: string): string | undefined {
    if (this.behaviour.translates !== 'address') return this.byOuter.get(outer)?.inner;
    return this.onlyIp === undefined ? undefined : `${this.onlyIp}:${portOf(outer)}`;
  }

  /** Forgets everything, as when it restarts or somebody empties its table. */
  flush(): void {
    this.byKey.clear();
    this.byOuter.clear();
  }

  /** Mappings that something may come in through. */
  openMappings(now: Instant): number {
    return [...this.byKey.values()].filter(mapping => this.isOpen(mapping, now)).length;
  }

  private open(key: string, inner: string, now: Instant): Mapping {
    const old = this.byKey.get(key);
    if (old !== undefined) this.forget(old);
    const outer = this.behaviour.translates === 'none' ? inner : this.freeEndpoint(inner, now);
    const mapping: Mapping = { key, inner, outer, permissions: new Map() };
    this.byKey.set(key, mapping);
    this.byOuter.set(outer, mapping);
    return mapping;
  }

  private freeEndpoint(inner: string, now: Instant): string {
    const { ports } = this.behaviour;
    let port = ports === 'preserve' ? portOf(inner) : ports === 'sequential' ? this.nextPort : this.randomPort();
    for (let tries = 0; this.isTaken(`${this.outerIp}:${port}`, now); tries++) {
      if (tries > PORTS) throw new Error('all ports of a simulated NAT are taken');
      port = ports === 'random' ? this.randomPort() : portAfter(port);
    }
    this.nextPort = portAfter(port);
    return `${this.outerIp}:${port}`;
  }

  /** A mapping through which nothing may come any more makes room. */
  private isTaken(outer: string, now: Instant): boolean {
    const holder = this.byOuter.get(outer);
    if (holder === undefined) return false;
    if (this.isOpen(holder, now)) return true;
    this.forget(holder);
    return false;
  }

  private forget({ key, outer }: Mapping): void {
    this.byKey.delete(key);
    this.byOuter.delete(outer);
  }

  private isOpen({ permissions }: Mapping, now: Instant): boolean {
    for (const permission of permissions.values()) if (!this.isOver(permission, now)) return true;
    return false;
  }

  private permission({ permissions }: Mapping, key: string, now: Instant): Permission | undefined {
    const permission = permissions.get(key);
    return permission === undefined || this.isOver(permission, now) ? undefined : permission;
  }

  private isOver({ sentAt, isReplied }: Permission, now: Instant): boolean {
    const { unrepliedMs, repliedMs } = this.behaviour.timeouts;
    return now >= sentAt + (isReplied ? repliedMs : unrepliedMs);
  }

  private randomPort(): number {
    return FIRST_PORT + Math.floor(PORTS * this.random.unit());
  }
}

function portAfter(port: number): number {
  return port >= 65_535 ? FIRST_PORT : port + 1;
}

/** What of the remote endpoint counts (RFC 4787, sections 4.1 and 5). */
function lookupKey(dependence: Dependence, remote: string): string {
  switch (dependence) {
    case 'endpoint-independent':
      return '';
    case 'address-dependent':
      return ipOf(remote);
    case 'address-and-port-dependent':
      return remote;
  }
}
