/**
 * Meeting behind a NAT that gives every destination another port ("hard"),
 * where the other side's NAT does not ("easy"): the ordinary challenges of both
 * sides go to a port that is nobody's. The hard side therefore challenges from
 * 256 more sockets, each of which its NAT gives a port, and the easy side
 * challenges 1,024 ports of the hard side's address: first those that a NAT
 * which counts would give next, then others by chance. With ports by chance
 * 98 of 100 pairs meet (1 - (1 - 256/64512)^1024), as two birthdays do. Where
 * both are hard nobody tries. Only among members, since it sends a thousand
 * datagrams to an address on a neighbour's word: at most once in five minutes
 * and pair, one pair at a time, 200 a second.
 * Source: overlay.md "Links"; RFC 5128 section 3.4 (prediction); HyperDHT (birthday).
 */
import { Buckets, type Instant, type Random, type Rate, uint32 } from '@warren/base';
import type { PathId } from '@warren/session';
import { isOfAnother, parseAddress } from './candidates.ts';
import type { Link } from './link.ts';
import type { NatBehaviour } from './nat.ts';
import type { Probing } from './probing.ts';

/** Ordinary challenges, which suffice for most, have had their time: a path's first five go out in 1.6 s. */
export const PUNCH_AFTER_MS = 2000;
/** From one attempt to the next with the same neighbour. */
export const PUNCH_AGAIN_MS = 300_000;
/** Over links that come and go: a restart of either side may have another at once, and no one makes more of it. */
const ATTEMPTS: Rate = { burst: 3, perSecond: 1000 / PUNCH_AGAIN_MS };
/** Sockets of the hard side. */
export const PUNCH_SOCKETS = 256;
/** Ports that the easy side tries. */
export const PUNCH_PORTS = 1024;
/** Of these, ports that a NAT which counts would give next, its own 256 among them where nobody else is busy. */
const PREDICTED_PORTS = 320;
/** 200 a second: 25 kB/s, and a home router's table takes it. */
const BATCH = 8;
const BATCH_EVERY_MS = 40;
/** Another pair is at it. */
const BUSY_MS = 1000;
/** NATs do not give well-known ports to others (RFC 4787 REQ-3). */
const PORT_MIN = 1024;
const PORT_MAX = 65_535;

/** How far an attempt with one neighbour is. */
export type Punch =
  | { readonly kind: 'none' }
  | { readonly kind: 'waiting'; readonly until: Instant }
  | {
      readonly kind: 'sending';
      readonly startedAt: Instant;
      readonly to: readonly PathId[];
      readonly at: Instant;
      readonly next: number;
    }
  | { readonly kind: 'rested'; readonly until: Instant };

export interface PunchingOptions {
  readonly strangers: boolean;
  readonly can: { readonly udp: boolean; readonly sockets?: boolean };
  /** What NATs do with our UDP. */
  readonly nat: () => NatBehaviour;
  readonly random: Random;
  readonly probing: Pick<Probing, 'knock'>;
}

/** The punching of all links of one network. */
export class Punching {
  private readonly options: PunchingOptions;
  /** Whose turn it is. */
  private busy: Link | undefined;
  /** By neighbour: whoever links anew begins anew. */
  private readonly attempts = new Buckets(ATTEMPTS);

  constructor(options: PunchingOptions) {
    this.options = options;
  }

  /** Goes on with a link; call when it has changed, and at `wakeAt`. */
  tend(link: Link, now: Instant): void {
    const role = this.roleOn(link);
    const { punch } = link;
    if (role === undefined) {
      if (punch.kind === 'waiting') link.punch = { kind: 'none' };
      else if (punch.kind === 'sending') this.rest(link, punch.startedAt);
      return;
    }
    switch (punch.kind) {
      case 'none':
        link.punch = { kind: 'waiting', until: now + PUNCH_AFTER_MS };
        return;
      case 'waiting':
        if (now >= punch.until) this.start(link, role, now);
        return;
      case 'sending':
        this.send(link, punch, now);
        return;
      case 'rested':
        if (now >= punch.until) this.start(link, role, now);
        return;
    }
  }

  /** Somebody else may begin. */
  ended(link: Link): void {
    if (this.busy === link) this.busy = undefined;
  }

  wakeAt(link: Link): Instant | undefined {
    const { punch } = link;
    if (punch.kind === 'none' || this.roleOn(link) === undefined) return undefined;
    return punch.kind === 'sending' ? punch.at : punch.until;
  }

  /** Which side we are; `undefined` where there is nothing to do, or no hope. */
  private roleOn(link: Link): 'hard' | 'easy' | undefined {
    const { strangers, can, nat } = this.options;
    const { remote, best } = link;
    if (strangers || !can.udp || remote?.udp !== true || best === undefined || best.rank === 0) return undefined;
    const isHard = nat().mapping === 'endpoint-dependent';
    const isTheirsHard = remote.nat.mapping === 'endpoint-dependent';
    if (isHard === isTheirsHard || outsideOf(remote.addresses) === undefined) return undefined;
    if (isTheirsHard) return 'easy';
    return can.sockets === true ? 'hard' : undefined;
  }

  private start(link: Link, role: 'hard' | 'easy', now: Instant): void {
    const to = outsideOf(link.remote?.addresses ?? []);
    if (to === undefined) return;
    if (this.busy !== undefined || !this.attempts.take(link.peer, now)) {
      link.punch = { kind: 'waiting', until: now + BUSY_MS };
      return;
    }
    this.busy = link;
    const paths = role === 'hard' ? socketsTo(to) : this.portsOf(to, link.remote?.nat.portStep ?? 0);
    this.send(link, { kind: 'sending', startedAt: now, to: paths, at: now, next: 0 }, now);
  }

  private send(link: Link, punch: Extract<Punch, { kind: 'sending' }>, now: Instant): void {
    if (now < punch.at) return;
    for (const path of punch.to.slice(punch.next, punch.next + BATCH)) this.options.probing.knock(link, path, now);
    const next = punch.next + BATCH;
    // Who comes late, as after sleep, makes up for nothing.
    if (next < punch.to.length) link.punch = { ...punch, at: now + BATCH_EVERY_MS, next };
    else this.rest(link, punch.startedAt);
  }

  private rest(link: Link, startedAt: Instant): void {
    link.punch = { kind: 'rested', until: startedAt + PUNCH_AGAIN_MS };
    this.ended(link);
  }

  /** Ports of the hard side, the likeliest first. */
  private portsOf({ host, port }: { host: string; port: number }, step: number): PathId[] {
    const ports = new Set<number>([port]);
    for (let i = 1; step !== 0 && i <= PREDICTED_PORTS; i++) ports.add(wrapped(port + i * step));
    for (let i = 0; i < 2 * PUNCH_PORTS && ports.size < PUNCH_PORTS; i++)
      ports.add(wrapped(PORT_MIN + (uint32(this.options.random) & 0xffff)));
    return [...ports].map(each => `udp/${host}:${each}`);
  }
}

/** Whether a path from an extra socket is of no use, since another way is direct and answers: several may have met. */
export function isSurplus({ best }: Link, path: PathId): boolean {
  return path.includes('~') && best?.rank === 0 && !best.isInDoubt && best.id !== path;
}

/**
 * Where others see a neighbour over IPv4: of the addresses that it tells, the first (`OwnAddresses` in `peer`). None that
 * no router can have: a thousand datagrams to a multicast address would be a thousand to each of many.
 */
function outsideOf(addresses: readonly string[]): { host: string; port: number } | undefined {
  const others = addresses.filter(isOfAnother).map(parseAddress);
  return others.find(address => address !== undefined && !address.host.includes(':'));
}

function socketsTo({ host, port }: { host: string; port: number }): PathId[] {
  return Array.from({ length: PUNCH_SOCKETS }, (_, i) => `udp/${host}:${port}~${i + 1}`);
}

/** A port from the range that NATs give, round and round. */
function wrapped(port: number): number {
  const count = PORT_MAX - PORT_MIN + 1;
  return PORT_MIN + ((((port - PORT_MIN) % count) + count) % count);
}
