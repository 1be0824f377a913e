/**
 * Which gateway a member sends its Internet packets to: all that the group offers are scored, one is used until it
 * dies or is withdrawn, since connections do not survive a change of the address that the Internet sees. With
 * `spread`, flows are divided among all good ones by rendezvous hashing, so that a dead one moves its own flows only.
 *
 * A gateway that is silent while packets for it go out is asked after `SILENCE_MS`, and dead after three questions;
 * idle ones, used or not, are asked every 15 s, as P2 4.2 does. Where all are dead nothing is chosen, and nothing leaves.
 * Who may be offered here, by certificate, is the caller's to check (#78).
 */
import { assert, earliest, type Instant, Outbox, utf8 } from '@warren/base';
import type { PeerKey } from '@warren/wire';

/** Between questions to a gateway of which nothing is awaited (P2 4.2). */
export const GATEWAY_PROBE_MS = 15_000;
/** How long packets may go out without any coming back before the gateway is asked. */
export const SILENCE_MS = 700;
/** Between questions to a silent gateway, at least; two round trips where those take longer. */
export const PROBE_AGAIN_MS = 500;
/** Unanswered questions that mean it is dead. */
export const PROBES_UNANSWERED = 3;
/** Packets from the Internet are still taken from a gateway for so long after it was left. */
export const LATE_ANSWERS_MS = 120_000;
/** How often a lack of gateways makes us look for more. */
export const SEEK_EVERY_MS = 1000;
/** Gateways that are watched; more are not looked at. */
export const GATEWAYS_MAX = 32;
/** Round-trip times that differ by less, as a share and in milliseconds, count as the same. */
const RTT_STEP = 1.3;
const RTT_STEP_MS = 5;
/** With `spread`: how much slower than the fastest a good one may be. */
const GOOD_RTT_FACTOR = 2;
const GOOD_RTT_MS = 20;

/** A member that offers to be a gateway. */
export interface GatewayOffer {
  readonly peer: PeerKey;
  /** Mbit/s that it says it has; 0: it does not say. Only breaks ties: nobody proves it (#77). */
  readonly capacityMbit: number;
}

/** How a gateway is reached, as we measured it. */
export interface GatewayWay {
  readonly isDirect: boolean;
  readonly rttMs: number | undefined;
}

export type GatewaysOutput =
  /** Ask the gateway for a sign of life; `answered` follows, or not. */
  | { readonly kind: 'probe'; readonly peer: PeerKey }
  /** Another gateway is used from now on; `undefined`: none is there. */
  | { readonly kind: 'chosen'; readonly peer: PeerKey | undefined }
  /** Packets wait and no gateway is known to live: read the group's offers again. */
  | { readonly kind: 'seek' };

export interface GatewaysOptions {
  /** Those that the member's user allows; absent: all. */
  readonly allowed?: ReadonlySet<PeerKey>;
  /** Whether flows are divided among all good gateways. */
  readonly spread: boolean;
}

/** What is known of one gateway. */
interface Gateway {
  offer: GatewayOffer;
  way: GatewayWay;
  state: 'unknown' | 'live' | 'dead';
  /** Longest known first, where nothing else decides. */
  readonly order: number;
  /** When the first packet went out that nothing has followed in. */
  awaitedSince: Instant | undefined;
  /** Unanswered questions in a row, and when the last was asked. */
  asked: number;
  askedAt: Instant;
  heardAt: Instant;
  /** Until when its packets are taken. */
  acceptedUntil: Instant;
}

/** The gateways of one group at one member. */
export class Gateways {
  private options: GatewaysOptions;
  private readonly outbox = new Outbox<GatewaysOutput>();
  private readonly gateways = new Map<PeerKey, Gateway>();
  private chosen: PeerKey | undefined;
  private made = 0;
  private soughtAt: Instant = Number.NEGATIVE_INFINITY;

  constructor(options: GatewaysOptions) {
    this.options = options;
  }

  poll(): GatewaysOutput | undefined {
    return this.outbox.poll();
  }

  /** The gateway in use; with `spread`, the best. */
  get current(): PeerKey | undefined {
    return this.chosen;
  }

  /** All that are offered and allowed, the best first. */
  all(): { readonly peer: PeerKey; readonly state: Gateway['state']; readonly capacityMbit: number }[] {
    return this.ranked().map(({ offer, state }) => ({ ...offer, state }));
  }

  /** Follows a change of what the user wants. */
  configure(options: GatewaysOptions, now: Instant): void {
    this.options = options;
    this.choose(now);
  }

  /** Takes over what the group offers now. */
  offered(offers: readonly GatewayOffer[], now: Instant): void {
    const gone = new Set(this.gateways.keys());
    for (const offer of offers) {
      gone.delete(offer.peer);
      const known = this.gateways.get(offer.peer);
      if (known !== undefined) known.offer = offer;
      else if (this.gateways.size < GATEWAYS_MAX) this.gateways.set(offer.peer, fresh(offer, this.made++, now));
    }
    for (const peer of gone) this.gateways.delete(peer);
    this.choose(now);
  }

  /** Takes over how a gateway is reached now. */
  reached(peer: PeerKey, way: GatewayWay): void {
    const gateway = this.gateways.get(peer);
    if (gateway !== undefined) gateway.way = way;
  }

  /** Where a packet of the flow goes; `undefined`: nowhere, and it must not leave any other way. */
  route(flow: number, now: Instant): PeerKey | undefined {
    const peer = this.options.spread ? this.spreadOver(flow) : this.chosen;
    const gateway = peer === undefined ? undefined : this.gateways.get(peer);
    if (gateway === undefined) {
      this.seek(now);
      return undefined;
    }
    gateway.awaitedSince ??= now;
    gateway.acceptedUntil = now + LATE_ANSWERS_MS;
    return peer;
  }

  /** Whether packets from the Internet may come out of the session with a peer. */
  accepts(peer: PeerKey, now: Instant): boolean {
    const until = this.gateways.get(peer)?.acceptedUntil;
    return until !== undefined && now < until;
  }

  /** It has answered a question, after so long over whatever way there is. */
  answered(peer: PeerKey, rttMs: number, now: Instant): void {
    const gateway = this.gateways.get(peer);
    if (gateway === undefined) return;
    if (gateway.way.rttMs === undefined) gateway.way = { ...gateway.way, rttMs };
    this.heard(peer, now);
  }

  /** A packet from the Internet came through it. */
  heard(peer: PeerKey, now: Instant): void {
    const gateway = this.gateways.get(peer);
    if (gateway === undefined) return;
    gateway.awaitedSince = undefined;
    gateway.asked = 0;
    gateway.heardAt = now;
    const wasDead = gateway.state !== 'live';
    gateway.state = 'live';
    if (wasDead) this.choose(now);
  }

  get wakeAt(): Instant | undefined {
    return earliest(...[...this.gateways.values()].map(probeAt));
  }

  tick(now: Instant): void {
    for (const [peer, gateway] of this.gateways) {
      if (now < probeAt(gateway)) continue;
      if (gateway.asked >= PROBES_UNANSWERED && gateway.state !== 'dead') {
        gateway.state = 'dead';
        gateway.awaitedSince = undefined;
        this.choose(now);
        if (now < probeAt(gateway)) continue;
      }
      gateway.asked++;
      gateway.askedAt = now;
      this.outbox.push({ kind: 'probe', peer });
    }
  }

  /** Keeps the one in use while it lives: another one would break its connections. One that has not shown yet that it does gives way. */
  private choose(now: Instant): void {
    const current = this.chosen === undefined ? undefined : this.gateways.get(this.chosen);
    if (current?.state === 'live' && this.isAllowed(current)) return;
    const best = this.ranked().find(gateway => gateway.state !== 'dead');
    if (best?.offer.peer === this.chosen) return;
    this.chosen = best?.offer.peer;
    this.outbox.push({ kind: 'chosen', peer: this.chosen });
    // What waited for the last one waits for this one: it shall show soon that it lives.
    if (best !== undefined && best.state === 'unknown') best.awaitedSince ??= now;
  }

  private seek(now: Instant): void {
    if (now < this.soughtAt + SEEK_EVERY_MS) return;
    this.soughtAt = now;
    this.outbox.push({ kind: 'seek' });
    for (const gateway of this.gateways.values()) {
      if (gateway.state === 'dead') gateway.askedAt = Math.min(gateway.askedAt, now - GATEWAY_PROBE_MS);
    }
  }

  private spreadOver(flow: number): PeerKey | undefined {
    const alive = this.ranked().filter(gateway => gateway.state !== 'dead');
    const [best] = alive;
    if (best === undefined) return undefined;
    const limit = (best.way.rttMs ?? 0) * GOOD_RTT_FACTOR + GOOD_RTT_MS;
    const isGood = ({ state, way }: Gateway) =>
      state === best.state && way.isDirect === best.way.isDirect && (way.rttMs ?? 0) <= limit;
    let winner = best;
    let most = -1;
    for (const gateway of alive.filter(isGood)) {
      const weight = rendezvousWeight(flow, gateway.offer.peer);
      if (weight <= most) continue;
      winner = gateway;
      most = weight;
    }
    return winner.offer.peer;
  }

  private ranked(): Gateway[] {
    return [...this.gateways.values()].filter(gateway => this.isAllowed(gateway)).sort(compare);
  }

  private isAllowed({ offer }: Gateway): boolean {
    return this.options.allowed?.has(offer.peer) ?? true;
  }
}

function fresh(offer: GatewayOffer, order: number, now: Instant): Gateway {
  return {
    offer,
    way: { isDirect: false, rttMs: undefined },
    state: 'unknown',
    order,
    awaitedSince: undefined,
    asked: 0,
    askedAt: now - GATEWAY_PROBE_MS,
    heardAt: Number.NEGATIVE_INFINITY,
    acceptedUntil: Number.NEGATIVE_INFINITY,
  };
}

/** When to ask next, or to give up. */
function probeAt({ state, awaitedSince, asked, askedAt, heardAt, way }: Gateway): Instant {
  if (state === 'dead') return askedAt + GATEWAY_PROBE_MS;
  if (asked > 0) return askedAt + Math.max(PROBE_AGAIN_MS, 2 * (way.rttMs ?? 0));
  const idle = Math.max(askedAt, heardAt) + GATEWAY_PROBE_MS;
  return awaitedSince === undefined ? idle : Math.min(idle, awaitedSince + SILENCE_MS);
}

const STATE_RANK = { live: 0, unknown: 1, dead: 2 } as const;

/** Live before unknown before dead, direct before not, faster before slower, then capacity, then who was there first. */
function compare(a: Gateway, b: Gateway): number {
  return (
    STATE_RANK[a.state] - STATE_RANK[b.state] ||
    Number(b.way.isDirect) - Number(a.way.isDirect) ||
    rttClass(a.way) - rttClass(b.way) ||
    b.offer.capacityMbit - a.offer.capacityMbit ||
    a.order - b.order
  );
}

/** Times that differ by less than a third, or 5 ms, mostly share a class, so that the order stays transitive. */
function rttClass({ rttMs }: GatewayWay): number {
  if (rttMs === undefined) return Number.MAX_SAFE_INTEGER;
  return Math.floor(Math.log(rttMs + RTT_STEP_MS) / Math.log(RTT_STEP));
}

/** Highest random weight (Thaler and Ravishankar 1998): FNV-1a over both, then MurmurHash3's last mixing. */
function rendezvousWeight(flow: number, peer: PeerKey): number {
  assert(Number.isInteger(flow), 'a flow is a 32-bit number');
  let hash = 0x811c9dc5 ^ (flow >>> 0);
  for (const byte of utf8(peer)) hash = Math.imul(hash ^ byte, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
