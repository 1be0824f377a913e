/**
 * For tests only: a NAT in front of one end, as lookup keys over RFC 4787's
 * kinds. `sim` has whole networks of them.
 */
import type { Instant } from '@warren/base';

/** How much of a destination is part of a key: nothing, its address, or its address and port. */
export type Dependence = 'endpoint' | 'address' | 'port';

export interface NatBoxOptions {
  /** The outside address. */
  readonly host: string;
  readonly mapping: Dependence;
  readonly filtering: Dependence;
  /** The outside port of the next mapping; one that is taken is asked for again. */
  readonly nextPort: () => number;
  /** A mapping ends when nothing has gone out for so long; 2 minutes by default. */
  readonly lifetimeMs?: number;
}

interface Mapping {
  readonly key: string;
  readonly port: number;
  /** 0: the main socket of the end. */
  readonly socket: number;
  /** Whom something was sent to, by filter key. */
  readonly sentTo: Set<string>;
  usedAt: Instant;
}

/** One NAT. */
export class NatBox {
  /** Mappings made so far. */
  made = 0;
  private readonly options: NatBoxOptions;
  private readonly mappings = new Map<number, Mapping>();

  constructor(options: NatBoxOptions) {
    this.options = options;
  }

  /** Where a datagram from `socket` to `to` is seen. */
  out(socket: number, to: string, now: Instant): string {
    const { mapping: kind, filtering, host, nextPort } = this.options;
    this.expire(now);
    const key = `${socket} ${keyOf(to, kind)}`;
    let mapping = [...this.mappings.values()].find(each => each.key === key);
    if (mapping === undefined) {
      let port = nextPort();
      while (this.mappings.has(port)) port = nextPort();
      mapping = { key, port, socket, sentTo: new Set(), usedAt: now };
      this.mappings.set(port, mapping);
      this.made++;
    }
    mapping.usedAt = now;
    mapping.sentTo.add(keyOf(to, filtering));
    return `${host}:${mapping.port}`;
  }

  /** The socket that a datagram from `from` to one of our outside addresses is for; `undefined`: it is dropped. */
  in(to: string, from: string, now: Instant): number | undefined {
    this.expire(now);
    const { host, filtering } = this.options;
    const mapping = to.startsWith(`${host}:`) ? this.mappings.get(Number(to.slice(host.length + 1))) : undefined;
    return mapping?.sentTo.has(keyOf(from, filtering)) ? mapping.socket : undefined;
  }

  /** Whether an outside address is of this NAT. */
  owns(address: string): boolean {
    return address.startsWith(`${this.options.host}:`);
  }

  /** Forgets all mappings, as after a restart. */
  restart(): void {
    this.mappings.clear();
  }

  private expire(now: Instant): void {
    const { lifetimeMs = 120_000 } = this.options;
    for (const [port, { usedAt }] of this.mappings) if (now >= usedAt + lifetimeMs) this.mappings.delete(port);
  }
}

function keyOf(address: string, kind: Dependence): string {
  if (kind === 'endpoint') return '';
  return kind === 'port' ? address : address.slice(0, address.lastIndexOf(':'));
}
