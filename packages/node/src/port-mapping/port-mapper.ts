/**
 * Keeps an outside port at the home router for each port of ours, so that
 * others reach us without punching holes (overlay.md "Links"): by PCP, NAT-PMP
 * or UPnP, whichever the router speaks. Renewed at half its time, tried again
 * where there is none or behind another router, removed in the end.
 */
import { mayProbe } from '@warren/link';
import { defaultRouter } from './default-router.ts';
import { mapByNatPmp, mapByPcp } from './pcp.ts';
import { mapByUpnp } from './upnp.ts';

/** Both RFCs recommend two hours; an hour gives the port of a crashed machine back sooner. */
const LIFETIME_S = 3600;
/** Soonest renewal: a router may grant seconds. */
const RENEW_MIN_MS = 30_000;
/** Waits while there is no mapping, by failures in a row: routers start later than machines, networks change. */
const RETRY_MS: readonly number[] = [30_000, 120_000, 600_000, 1_800_000];

/**
 * How often the default route is looked at: the machine may move, and a network that has just come up shows no
 * address for up to a second.
 */
const LOOK_MS = 2_000;

/** The default router, and our own address towards it: IPv4 in text. */
export interface Router {
  readonly gateway: string;
  readonly own: string;
}

/** A port of ours to be reached from outside; `lifetimeS` 0 takes that back. */
export interface Wish {
  readonly protocol: 'udp' | 'tcp';
  readonly port: number;
  readonly lifetimeS: number;
  /** The outside port that the mapping has already. */
  readonly outsidePort?: number;
}

export interface Mapping {
  /** `203.0.113.7:41641`. */
  readonly outside: string;
  readonly lifetimeS: number;
}

/** Asks a router in one protocol; `undefined` when it does not grant the wish. Never rejects. */
export type Ask = (router: Router, wish: Wish) => Promise<Mapping | undefined>;

/** In the order in which they are tried: the cheapest to ask first. */
const PROTOCOLS: readonly Ask[] = [mapByPcp, mapByNatPmp, mapByUpnp];

export interface PortMapperOptions {
  readonly protocol: 'udp' | 'tcp';
  readonly port: number;
  /** Called after `outside` changed. */
  readonly changed: () => void;
  /** Other ones only in tests. */
  readonly protocols?: readonly Ask[];
  readonly router?: () => Router | undefined;
}

/** The mapping of one port, from the moment it is made. */
export class PortMapper {
  /** The address that others outside reach us at; `undefined` while there is none, or it is none of the Internet. */
  outside: string | undefined;
  private readonly o: PortMapperOptions;
  /** What `router` has given us, and who asked it. */
  private held: { readonly ask: Ask; readonly outsidePort: number } | undefined;
  private failures = 0;
  /** The router that was asked last. */
  private router: Router | undefined;
  private isAsking = false;
  private timer: NodeJS.Timeout | undefined;
  private readonly looking: NodeJS.Timeout;
  private stopped = false;

  constructor(o: PortMapperOptions) {
    this.o = o;
    this.timer = setTimeout(() => void this.renew(), 0);
    this.timer.unref();
    this.looking = setInterval(() => this.look(), LOOK_MS);
    this.looking.unref();
  }

  /** Gives the port back. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    clearInterval(this.looking);
    const { held, router } = this;
    if (held === undefined || router === undefined) return;
    const { protocol, port } = this.o;
    await held.ask(router, { protocol, port, lifetimeS: 0, outsidePort: held.outsidePort });
  }

  /** Asks another router at once; what the last one gave leads nowhere any more. */
  private look(): void {
    if (this.isAsking || isSame(this.findRouter(), this.router)) return;
    clearTimeout(this.timer);
    this.failures = 0;
    this.held = undefined;
    void this.renew();
  }

  private async renew(): Promise<void> {
    this.isAsking = true;
    const mapping = await this.map();
    this.isAsking = false;
    if (this.stopped) return;
    const outside = mapping && isOfInternet(mapping.outside) ? mapping.outside : undefined;
    const isNews = outside !== this.outside;
    this.outside = outside;
    this.failures = mapping === undefined ? this.failures + 1 : 0;
    const wait =
      mapping === undefined
        ? RETRY_MS[Math.min(this.failures, RETRY_MS.length) - 1]
        : Math.max(RENEW_MIN_MS, Math.min(mapping.lifetimeS, LIFETIME_S) * 500);
    this.timer = setTimeout(() => void this.renew(), wait);
    this.timer.unref();
    if (isNews) this.o.changed();
  }

  /** Asks in all protocols, first in that which worked last. Machines on the Internet itself need no mapping. */
  private async map(): Promise<Mapping | undefined> {
    const { protocol, port, protocols = PROTOCOLS } = this.o;
    const router = this.findRouter();
    this.router = router;
    const { held } = this;
    this.held = undefined;
    if (router === undefined || mayProbe(`${router.own}:${port}`, true)) return undefined;
    for (const ask of new Set([...(held === undefined ? [] : [held.ask]), ...protocols])) {
      const outsidePort = held?.ask === ask ? { outsidePort: held.outsidePort } : {};
      const mapping = await ask(router, { protocol, port, lifetimeS: LIFETIME_S, ...outsidePort });
      if (mapping === undefined) continue;
      this.held = { ask, outsidePort: Number(mapping.outside.slice(mapping.outside.lastIndexOf(':') + 1)) };
      // Stopped meanwhile: nobody would take it back.
      if (this.stopped) await this.stop();
      return mapping;
    }
    return undefined;
  }

  private findRouter(): Router | undefined {
    const { router: find = defaultRouter } = this.o;
    return find();
  }
}

function isSame(a: Router | undefined, b: Router | undefined): boolean {
  return a?.gateway === b?.gateway && a?.own === b?.own;
}

/** Behind a carrier's NAT the router itself has no address of the Internet (RFC 6598). */
function isOfInternet(outside: string): boolean {
  return mayProbe(outside, true) && !/^100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\./.test(outside);
}
