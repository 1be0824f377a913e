/**
 * One neighbour: its paths, which of them is in use, what it offered. All
 * decisions about one link live here; `links.ts` and its parts do the sending.
 */
import { concat, earliest, type Instant, NextDeadline, type Random, uint32 } from '@warren/base';
import type { Identity, PathId } from '@warren/session';
import { DataFlag, type LinkMessage, type PeerKey, Reader } from '@warren/wire';
import type { PathKind } from './candidates.ts';
import { Reassembly } from './fragments.ts';
import { KEEPALIVES_MS, Keepalive } from './keepalive.ts';
import { Path, type PathOptions, PROBE_AFTER_SILENCE_MS, type Watch } from './path.ts';
import type { Punch } from './punch.ts';
import { isRelayPath, relayOf } from './relay-paths.ts';
import type { RelaySearch } from './relay-search.ts';
import { Reliable } from './reliable.ts';
import type { Candidate } from './roaming.ts';
import type { WebRtcState } from './web-rtc.ts';

/** Paths per link, and as many through relays; beyond it new ones are refused. */
export const PATHS_MAX = 12;
/** A carried path in reserve is asked so often: whether it is there still. */
const CARRIED_RESERVE_MS = Math.max(...KEEPALIVES_MS);
/** A path in reserve takes over only when it is this much faster within the same rank. */
const FASTER_SHARE = 0.7;
/** A link without a usable path is given up after that. */
export const SETUP_MS = 20_000;
/** Waits between attempts at a direct path while there is none: a path's first probes take 9 s. */
const DIRECT_RETRY_MS: readonly number[] = [10_000, 20_000, 40_000, 60_000];
/** Answers that wait until our side of a fresh link is ready, which takes a round trip, and how long. */
const EARLY_MAX = 16;
const EARLY_MS = 1000;
/** First or second parts of frames that wait for the other. */
const LONE_PARTS_MAX = 64;

/** Silence on a data channel or WebSocket of a resting host: those keep themselves alive, and tell when they end. */
const RESTING_STREAM_MS = 60_000;
/** Of two relays one drops more than the other if it leaves so much more of all challenges unanswered. */
const LOSSIER_SHARE = 0.25;
/** IPv6 takes over when it is at most so much slower: no NAT forgets it. */
const IPV6_SLOWER_SHARE = 1.1;
const IPV6_SLOWER_MS = 2;

/** What a neighbour offered. */
export type Candidates = Extract<LinkMessage, { kind: 'candidates' }>;

/** A link as others see it. */
export interface LinkInfo {
  readonly peer: PeerKey;
  readonly kind: PathKind;
  /** The one in use. */
  readonly path: PathId;
  /** Who relays, where it goes through a third peer. */
  readonly via: PeerKey | undefined;
  readonly rttMs: number | undefined;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** One neighbour. */
export class Link {
  readonly peer: PeerKey;
  identity: Identity;
  readonly paths = new Map<PathId, Path>();
  readonly reliable: Reliable;
  readonly reassembly = new Reassembly();
  readonly createdAt: Instant;
  /** When it wants to be looked at; whoever does something to it says so, with `moved`. */
  readonly deadline: NextDeadline;
  remote: Candidates | undefined;
  webrtc: WebRtcState = { kind: 'none', retryAt: 0, failures: 0 };
  /** Whether it is ours to offer WebRTC: neither side's UDP sockets meet, both can, and our id is the smaller. */
  offersWebRtc = false;
  best: Path | undefined;
  /** Another path, from which the neighbour's newest traffic came. */
  candidate: Candidate | undefined;
  /** When both ways were asked last, and when traffic last moved because of the answers. */
  askedAt: Instant = Number.NEGATIVE_INFINITY;
  movedAt: Instant = Number.NEGATIVE_INFINITY;
  /** How long its paths may be silent. */
  private readonly keepalive = new Keepalive();
  /** Whether we want to be left alone: a hidden tab, or on battery. */
  isOursAtRest = false;
  /** Meeting through a NAT that gives every destination another port. */
  punch: Punch = { kind: 'none' };
  /** When a handshake follows because the host slept. */
  recallAt: Instant | undefined;
  /** Whether those above know of it. */
  announced = false;
  /** Whether they know that nothing comes back on it. */
  isDoubtful = false;
  sentBytes = 0;
  receivedBytes = 0;
  /** Ways through a third peer, while there is no direct one. */
  relaySearch: RelaySearch | undefined;
  /** Whether it counts among our direct neighbours, and when we last passed something on for it or to it. */
  wasLeg = false;
  relayedAt: Instant = Number.NEGATIVE_INFINITY;
  /** Whether the neighbour's overlay has spoken to ours. */
  isSpokenTo = false;
  private readonly early: { readonly payload: Uint8Array; readonly until: Instant }[] = [];
  private lastPartId = 0;
  private readonly loneParts = new Map<number, Uint8Array>();
  private direct: { readonly tries: number; readonly at: Instant } | undefined;

  constructor(
    peer: PeerKey,
    identity: Identity,
    random: Random,
    now: Instant,
    wakeAtOf: (link: Link) => Instant | undefined,
  ) {
    this.peer = peer;
    this.identity = identity;
    this.reliable = new Reliable(uint32(random));
    this.createdAt = now;
    this.deadline = new NextDeadline(() => wakeAtOf(this));
  }

  /**
   * Adds a path unless it is known or there are too many; returns it when it is new. One from which something came
   * and which has not answered within a second gives way, or whoever plays datagrams back would hide the neighbour's new address;
   * and a carried one in reserve, or whoever carries datagrams under many names would keep the link from better ways.
   */
  addPath(options: PathOptions, now: Instant): Path | undefined {
    if (this.paths.has(options.id)) return undefined;
    const path = new Path(options, now);
    const alike = [...this.paths.values()].filter(each => isRelayPath(each.id) === isRelayPath(options.id));
    if (alike.length >= PATHS_MAX) {
      const isCarried = (each: Path) => each !== this.best && each.kind === 'overlay' && each.rank > path.rank;
      const spare = alike.find(each => each.isSuspect(now)) ?? alike.find(isCarried);
      if (spare === undefined) return undefined;
      this.paths.delete(spare.id);
    }
    this.paths.set(options.id, path);
    return path;
  }

  /** Chooses the path in use again: one that answers, then by rank, then by time, with hysteresis. */
  choose(): void {
    const proven = [...this.paths.values()].filter(path => path.proven);
    let best = this.best !== undefined && proven.includes(this.best) ? this.best : undefined;
    for (const path of proven) if (best === undefined || isBetter(path, best)) best = path;
    this.best = best;
  }

  /** `undefined` while it cannot be used. */
  get info(): LinkInfo | undefined {
    if (this.best === undefined || !this.isUsable) return undefined;
    const { peer, sentBytes, receivedBytes } = this;
    const { kind, rttMs, id: path } = this.best;
    return { peer, kind, path, via: relayOf(path), rttMs, sentBytes, receivedBytes };
  }

  /** After sleep, once: the paths for a handshake, since keys and certificates may have aged. None when it is not due. */
  recalled(now: Instant): PathId[] {
    if (this.recallAt === undefined || now < this.recallAt) return [];
    this.recallAt = undefined;
    return [...this.paths.values()].filter(path => path.proven).map(path => path.id);
  }

  /** Whether messages of the overlay may use the link. */
  get isUsable(): boolean {
    return this.best !== undefined && !this.best.setupOnly;
  }

  /**
   * Whether it is time to try the neighbour's addresses again: both sides have
   * UDP, and yet the link goes another way. The waits grow until it is direct.
   */
  isDirectDue(canUdp: boolean, now: Instant): boolean {
    if (!canUdp || this.remote?.udp !== true || this.best === undefined || this.best.rank === 0) {
      this.direct = undefined;
      return false;
    }
    this.direct ??= { tries: 0, at: now + directRetryMs(0) };
    if (now < this.direct.at) return false;
    const tries = this.direct.tries + 1;
    this.direct = { tries, at: now + directRetryMs(tries) };
    return true;
  }

  /**
   * Keeps a message of the overlay until the link can be used, if the neighbour, whose side was ready first, has asked
   * something on it. False when it is not kept.
   */
  keepEarly(payload: Uint8Array, now: Instant): boolean {
    if (this.announced || !this.isSpokenTo || this.early.length >= EARLY_MAX) return false;
    this.early.push({ payload, until: now + EARLY_MS });
    return true;
  }

  /** What was kept and is not too old. */
  takeEarly(now: Instant): Uint8Array[] {
    return this.early.splice(0).flatMap(({ payload, until }) => (until > now ? [payload] : []));
  }

  /** A number for the two parts of one frame, never 0. */
  takePartId(): number {
    this.lastPartId = (this.lastPartId % 0xffff_ffff) + 1;
    return this.lastPartId;
  }

  /** The frame in a FRAME's plaintext, or what it is a part of; `undefined` while the other part is missing. */
  joinFrame(flags: number, plaintext: Uint8Array): Uint8Array | 'malformed' | undefined {
    const part = flags & (DataFlag.FIRST_PART | DataFlag.SECOND_PART);
    if (part === 0) return plaintext;
    const reader = new Reader(plaintext);
    const partId = reader.u32();
    const piece = reader.rest();
    const isBoth = part === (DataFlag.FIRST_PART | DataFlag.SECOND_PART);
    if (reader.failed || partId === 0 || isBoth) return 'malformed';
    const parts = this.joinParts(partId, part === DataFlag.FIRST_PART, piece);
    return parts && concat(...parts);
  }

  private joinParts(partId: number, isFirst: boolean, part: Uint8Array): readonly [Uint8Array, Uint8Array] | undefined {
    const key = isFirst ? partId : -partId;
    const other = this.loneParts.get(-key);
    if (other !== undefined) {
      this.loneParts.delete(-key);
      return isFirst ? [part, other] : [other, part];
    }
    const [oldest] = this.loneParts.keys();
    if (this.loneParts.size >= LONE_PARTS_MAX && oldest !== undefined) this.loneParts.delete(oldest);
    this.loneParts.set(key, part);
    return undefined;
  }

  /** Whether a path is to be watched closely: the one in use, and all others while that one does not answer. */
  isWatched(path: Path): boolean {
    return path === this.best || this.best === undefined || this.best.isInDoubt;
  }

  /** How a path is watched at present. */
  watch(path: Path): Watch {
    const isClose = this.isWatched(path);
    if (path.isGuest && !isClose) return { isClose, quietMs: Number.POSITIVE_INFINITY };
    // No NAT forgets it, each question costs whoever carries it, and it is asked at once when the link is in doubt.
    if (path.kind === 'overlay' && !isClose) return { isClose, quietMs: CARRIED_RESERVE_MS };
    // Who relays for others only as a last resort wants to be left alone as well.
    const isResting = this.isOursAtRest || this.remote?.willingness === 'last-resort';
    if (isClose && !isResting) return { isClose, quietMs: PROBE_AFTER_SILENCE_MS };
    // An extra socket of ours, or of the neighbour, lasts for 30 s.
    const isLearned = path.kind === 'udp' && !path.id.includes('~') && this.punch.kind === 'none';
    if (isLearned) return { isClose, quietMs: this.keepalive.intervalMs };
    return { isClose, quietMs: isClose && isStream(path.kind) ? RESTING_STREAM_MS : KEEPALIVES_MS[0] };
  }

  /** A path has answered: in reserve, it shows how long NATs bear silence. */
  survived(path: Path, now: Instant): void {
    if (path !== this.best && path.kind === 'udp') this.keepalive.survived(path.silenceMs, now);
  }

  /** A path in reserve is lost: perhaps for silence, if the neighbour lives. */
  died(path: Path, now: Instant): void {
    if (path.kind === 'udp' && this.best?.isInDoubt === false) this.keepalive.died(path.silenceMs, now);
  }

  /** When one of its paths, or what it has said, wants to be looked at. */
  get wakeAt(): Instant | undefined {
    const paths = [...this.paths.values()].map(path => path.wakeAt(this.watch(path)));
    const mayOffer = this.offersWebRtc && this.best !== undefined;
    const webrtc = mayOffer && this.webrtc.kind === 'none' ? this.webrtc.retryAt : undefined;
    const setup = this.announced ? undefined : this.createdAt + SETUP_MS;
    return earliest(...paths, this.best && this.reliable.wakeAt, webrtc, setup, this.direct?.at, this.recallAt);
  }
}

function directRetryMs(tries: number): number {
  return DIRECT_RETRY_MS[Math.min(tries, DIRECT_RETRY_MS.length - 1)] as number;
}

function isBetter(candidate: Path, current: Path): boolean {
  const isUseful = !candidate.setupOnly && !current.setupOnly;
  if (isUseful && candidate.isInDoubt !== current.isInDoubt) return current.isInDoubt;
  if (candidate.rank !== current.rank) return candidate.rank < current.rank;
  if (candidate.kind === 'relay') {
    const lossier = candidate.lossShare - current.lossShare;
    if (Math.abs(lossier) > LOSSIER_SHARE) return lossier < 0;
  }
  if (candidate.legSince !== undefined && current.legSince !== undefined) return candidate.legSince < current.legSince;
  const [theirs, ours] = [candidate.leastRttMs, current.leastRttMs];
  if (theirs === undefined || ours === undefined) return false;
  if (isIpv6(candidate) && current.kind === 'udp' && !isIpv6(current))
    return theirs <= ours * IPV6_SLOWER_SHARE + IPV6_SLOWER_MS;
  return theirs < ours * FASTER_SHARE && ours - theirs > 5;
}

function isIpv6({ id }: Path): boolean {
  return id.startsWith('udp/[');
}

function isStream(kind: PathKind): boolean {
  return kind === 'webrtc' || kind === 'websocket';
}
