/**
 * One path of a link: whether it is proven, how fast it is, whether it lives.
 * A path carries data only after a challenge was answered inside the session
 * with the same binding (decisions.md "Link, path, session"). Probing costs:
 * after 5 s of silence, every 1 s while something is unanswered and once
 * between the first two, so that two tell after a second that the path is in
 * doubt; lost after three seconds.
 */
import { type Instant, sameBytes, toHex } from '@warren/base';
import type { PathId } from '@warren/session';
import { PATH_RANK, type PathKind, pathKind } from './candidates.ts';
import { KEEPALIVES_MS } from './keepalive.ts';
import { PathSize } from './path-size.ts';

/** Silence on the path in use before it is probed. */
export const PROBE_AFTER_SILENCE_MS = 5000;
/** Between probes while something is unanswered. */
export const PROBE_EVERY_MS = 1000;
/** Through a relay, where others are ready to take over: a third is asked sooner than the neighbour itself. */
const PROBE_RELAY_MS = 500;
const RELAYED_WITHIN_MIN_MS = 300;
/** Unanswered probes that put the path in doubt: one alone is a lost datagram. */
const PROBES_DOUBTED = 2;
/** Unanswered probes that mean the path is lost, and so many `PROBE_EVERY_MS`. */
export const PROBES_LOST = 3;
/** The same for a carried path: its carrier first has to find out that a link of its own is lost, and mends itself. */
export const CARRIED_PROBES_LOST = 8;
/** Copies of each probe once one was left unanswered: a lossy line is not a dead one. */
const PROBE_COPIES = 3;
/** A probe counts as unanswered after so many round-trip times, within these bounds. */
const ANSWER_RTTS = 2;
const ANSWER_WITHIN_MIN_MS = 500;
const ANSWER_WITHIN_MAX_MS = 4000;
/** A path on which something came so lately is not doubted on account of what came by other ways, which are slower. */
const HEARD_LATELY_MS = 500;
/** Even a busy path is measured so often. */
const MEASURE_EVERY_MS = 10_000;
/** And a relay in use while it carries something: one that drops a share of it would be noticed by nothing else. */
const MEASURE_RELAY_EVERY_MS = 2000;
const BUSY_DATAGRAMS = 8;
/** First probes of a path that is not proven yet; both sides send them, which opens NATs. */
const FIRST_PROBES_MS: readonly number[] = [0, 200, 400, 800, 1600, 3000];
/** The same among strangers: three first messages for each candidate (decisions.md "Trust between strangers"). */
const FIRST_PROBES_TO_STRANGERS_MS: readonly number[] = [0, 400, 1600];
/** A path that is not proven by then is given up. */
const UNPROVEN_MS = 9000;
const OUTSTANDING_MAX = 12;
const RTT_WEIGHT = 1 / 4;
/**
 * Ways are compared by the least of so many round trips: a queue, ours too, only ever adds to them (RFC 9002 section
 * 5.2, `min_rtt`).
 */
const LEAST_OF = 8;
const LOSS_WEIGHT = 1 / 8;
/** A path that is kept for the neighbour is gone after such a silence: it asks the ways that it keeps more often. */
const GUEST_MS = 40_000;
/** A path that was only heard of by a datagram, and has not answered in this time, gives way to others. */
const SUSPECT_AFTER_MS = 1000;
/** To an address that has not answered we send at most so many times what came from it (session.md 2.5). */
export const AMPLIFICATION_MAX = 3;

export type PathVerdict = 'keep' | 'probe' | 'lost';

/** How a path is watched. */
export interface Watch {
  /** The one in use, or one that may have to take over: asked when something is unanswered, and measured. */
  readonly isClose: boolean;
  /** Silence before it is probed. */
  readonly quietMs: number;
}

export interface PathOptions {
  readonly id: PathId;
  /** 32 bytes. */
  readonly bindingHash: Uint8Array;
  /** Carried by the very overlay that the link belongs to: good for setting up, never for routing. */
  readonly setupOnly: boolean;
  /** Whether the neighbour is a stranger. */
  readonly strangers: boolean;
  /**
   * Set where the path was heard before anybody told us of it: bytes that came from there. Until it answers, at most
   * `AMPLIFICATION_MAX` times what comes from there is sent there.
   */
  readonly heardBytes?: number;
}

/** A challenge without an answer so far. */
interface Outstanding {
  readonly sentAt: Instant;
  /** 0 where the loss of it would say something of the path, else the size that was tried. */
  readonly bytes: number;
  isLate: boolean;
}

/** State of one path. */
export class Path {
  readonly id: PathId;
  readonly kind: PathKind;
  readonly bindingHash: Uint8Array;
  readonly setupOnly: boolean;
  proven = false;
  rttMs: number | undefined;
  private readonly latestRtts: number[] = [];
  /** The share of challenges that were not answered in time, from 0 to 1, the latest counting most. */
  lossShare = 0;
  /** Through a relay: how unwilling it is, from 0 to less than 1. */
  reluctance = 0;
  /** Through a relay, where age counts: when our half of the way began. */
  legSince: Instant | undefined;
  /**
   * Through a relay: whether it is there because the neighbour uses it, and not because we chose it. Once proven it is
   * not asked, only answered on. Or two who choose differently would each bring back what the other lets go.
   */
  isGuest: boolean;
  /** When the latest challenge that was answered had been sent. */
  answeredAt: Instant = Number.NEGATIVE_INFINITY;
  /** When it came to be tried. */
  private createdAt: Instant;
  private lastReceivedAt: Instant;
  private lastSentAt: Instant = Number.NEGATIVE_INFINITY;
  private lastProbedAt: Instant = Number.NEGATIVE_INFINITY;
  /** When the probes since the last sign of life were sent. */
  private readonly silentProbes: Instant[] = [];
  private isDoubted = false;
  private readonly firstProbes: readonly number[];
  private probes = 0;
  private readonly outstanding = new Map<string, Outstanding>();
  private sentSinceProbed = 0;
  private readonly size: PathSize;
  /** How long nothing had passed when the first probe since the last sign of life was sent. */
  silenceMs = 0;
  /** What may yet be sent there before it answers. */
  private allowanceBytes: number;

  constructor({ id, bindingHash, setupOnly, strangers, heardBytes }: PathOptions, now: Instant) {
    this.id = id;
    this.kind = pathKind(id);
    this.size = new PathSize(this.kind);
    this.firstProbes = strangers && this.kind === 'udp' ? FIRST_PROBES_TO_STRANGERS_MS : FIRST_PROBES_MS;
    this.bindingHash = bindingHash;
    this.setupOnly = setupOnly;
    this.createdAt = now;
    this.lastReceivedAt = now;
    this.isGuest = this.kind === 'relay' && heardBytes !== undefined;
    this.allowanceBytes = heardBytes === undefined ? Number.POSITIVE_INFINITY : AMPLIFICATION_MAX * heardBytes;
  }

  /** Smaller is better. */
  get rank(): number {
    return this.setupOnly ? PATH_RANK.overlay + 1 : PATH_RANK[this.kind] + this.reluctance;
  }

  /** Whether it is known well enough to be compared: of relays there are several to choose from. */
  private get isCompared(): boolean {
    return this.kind !== 'relay' || this.isGuest || this.latestRtts.length >= LEAST_OF;
  }

  /** How long a round trip takes when nothing waits in a queue, ms, by the latest eight; by this ways are compared. */
  get leastRttMs(): number | undefined {
    return this.latestRtts.length === 0 ? undefined : Math.min(...this.latestRtts);
  }

  private get probesLost(): number {
    return this.kind === 'overlay' ? CARRIED_PROBES_LOST : PROBES_LOST;
  }

  /**
   * Whether the path has left two probes unanswered, as far as was known at the latest, or the neighbour has given up
   * on it.
   */
  get isInDoubt(): boolean {
    return this.isDoubted;
  }

  /** Between probes while something is unanswered. */
  private get everyMs(): number {
    return this.kind === 'relay' ? PROBE_RELAY_MS : PROBE_EVERY_MS;
  }

  /** A quiet path is measured by the probes that silence brings, by either end in turn; a relay is not known so well. */
  private measureAt(quietMs: number): Instant {
    const isBusy = this.sentSinceProbed >= BUSY_DATAGRAMS;
    if (quietMs > MEASURE_EVERY_MS || (!isBusy && this.kind !== 'relay')) return Number.POSITIVE_INFINITY;
    return this.lastProbedAt + (isBusy && this.kind === 'relay' ? MEASURE_RELAY_EVERY_MS : MEASURE_EVERY_MS);
  }

  /** How long an answer may take. */
  private get answerWithinMs(): number {
    const least = this.kind === 'relay' ? RELAYED_WITHIN_MIN_MS : ANSWER_WITHIN_MIN_MS;
    return Math.max(least, Math.min(ANSWER_RTTS * (this.rttMs ?? 0), ANSWER_WITHIN_MAX_MS));
  }

  /** Whether only a datagram from there made us try this path, and nothing has come back for a second. */
  isSuspect(now: Instant): boolean {
    const isUninvited = this.allowanceBytes < Number.POSITIVE_INFINITY;
    return !this.proven && isUninvited && now >= this.createdAt + SUSPECT_AFTER_MS;
  }

  /** Whether a datagram of `bytes` may go there. */
  maySend(bytes: number): boolean {
    return this.proven || bytes <= this.allowanceBytes;
  }

  /** Notes that a datagram of `bytes` went out. */
  sent(bytes: number, now: Instant): void {
    this.lastSentAt = now;
    this.sentSinceProbed++;
    this.allowanceBytes -= bytes;
    this.size.sent(bytes);
  }

  /** Notes that something authentic of `bytes` came in. */
  received(bytes: number, now: Instant): void {
    this.lastReceivedAt = now;
    this.answers();
    this.allowanceBytes += AMPLIFICATION_MAX * bytes;
  }

  /** Notes a probe that is about to be sent. `token` is 8 bytes. */
  probed(token: Uint8Array, now: Instant): void {
    this.countLate(now);
    this.await(token, 0, now);
    this.sentSinceProbed = 0;
    if (this.silentProbes.length === 0) this.silenceMs = now - Math.max(this.lastReceivedAt, this.lastSentAt);
    this.lastProbedAt = now;
    this.silentProbes.push(now);
    this.isDoubted ||= now >= this.unansweredAt(PROBES_DOUBTED);
    this.probes++;
  }

  /** How often the latest probe is to be sent. */
  get copies(): number {
    return this.proven && this.silentProbes.length > 1 ? PROBE_COPIES : 1;
  }

  /** Whether a probe went out at this very time. */
  isProbed(now: Instant): boolean {
    return this.lastProbedAt === now;
  }

  /** Sizes to try now, beside a probe. While nothing at all comes back they would say nothing. */
  sizesToTry(now: Instant): readonly number[] {
    return this.proven && this.silentProbes.length <= 1 ? this.size.next(now, this.answerWithinMs) : [];
  }

  /** Notes a datagram of `bytes` that is sent to see whether it passes. Its loss says nothing of the path. */
  sizeTried(token: Uint8Array, bytes: number, now: Instant): void {
    this.await(token, bytes, now);
    this.size.tried(bytes);
  }

  /** What the path carries: `unprobedBytes` until a larger datagram was answered. */
  maxBytes(unprobedBytes: number): number {
    return Math.max(unprobedBytes, this.size.provenBytes);
  }

  /** Whether a challenge with this token is unanswered. */
  isAwaiting(token: Uint8Array): boolean {
    return this.outstanding.has(toHex(token));
  }

  /** Takes an answer; true when it proves the path, false when nobody asked or the binding differs. */
  answered(token: Uint8Array, bindingHash: Uint8Array, now: Instant): boolean {
    const key = toHex(token);
    const probe = this.outstanding.get(key);
    if (probe === undefined || !sameBytes(bindingHash, this.bindingHash)) return false;
    this.outstanding.delete(key);
    if (probe.bytes > 0) this.size.answered(probe.bytes);
    else if (!probe.isLate) this.lossShare -= LOSS_WEIGHT * this.lossShare;
    const rtt = now - probe.sentAt;
    this.rttMs = this.rttMs === undefined ? rtt : this.rttMs + RTT_WEIGHT * (rtt - this.rttMs);
    if (this.latestRtts.push(rtt) > LEAST_OF) this.latestRtts.shift();
    this.proven = true;
    this.answers();
    this.lastReceivedAt = now;
    this.answeredAt = Math.max(this.answeredAt, probe.sentAt);
    this.allowanceBytes = Number.POSITIVE_INFINITY;
    return true;
  }

  /** The neighbour seems to be elsewhere: the path has to prove itself again, as if it were new. */
  mistrust(now: Instant): void {
    this.proven = false;
    this.createdAt = now;
    this.probes = 0;
    this.answers();
    this.size.reset();
  }

  /** Makes the next check probe at once, as after sleep. */
  suspect(now: Instant): void {
    this.lastReceivedAt = Math.min(this.lastReceivedAt, now - Math.max(...KEEPALIVES_MS));
    this.lastProbedAt = Number.NEGATIVE_INFINITY;
    this.answers();
  }

  /** Makes the next check probe at once, at most every second: there is a sign that the path is no more. */
  doubt(now: Instant): void {
    if (this.proven && this.silentProbes.length === 0 && now >= this.lastProbedAt + PROBE_EVERY_MS) this.suspect(now);
  }

  /** The other end does not use the path: true when that is to be believed, so that it is in doubt until it answers. */
  heardRound(now: Instant): boolean {
    if (!this.proven || this.isDoubted || now < this.lastReceivedAt + HEARD_LATELY_MS) return false;
    this.isDoubted = true;
    return true;
  }

  /** What to do at `now`. */
  check(now: Instant, watch: Watch): PathVerdict {
    if (this.isLost(now)) return 'lost';
    return now >= this.probeAt(watch) ? 'probe' : 'keep';
  }

  /** When `check` may say something new. */
  wakeAt(watch: Watch): Instant {
    const probeAt = this.probeAt(watch);
    if (!this.proven) return Math.min(probeAt, this.createdAt + UNPROVEN_MS);
    return Math.min(probeAt, this.lostAt, this.leavesAt);
  }

  private answers(): void {
    this.silentProbes.length = 0;
    this.isDoubted = false;
  }

  /** When so many probes will have had their time; infinity while fewer are out. */
  private unansweredAt(count: number): Instant {
    const last = this.silentProbes[count - 1];
    return last === undefined ? Number.POSITIVE_INFINITY : last + this.answerWithinMs;
  }

  /** When the path will be lost if nothing comes. */
  private get lostAt(): Instant {
    const [first = Number.POSITIVE_INFINITY] = this.silentProbes;
    return Math.max(first + this.probesLost * PROBE_EVERY_MS, this.unansweredAt(this.probesLost));
  }

  /** When it is of no use to the neighbour any more. */
  private get leavesAt(): Instant {
    return this.isGuest ? this.lastReceivedAt + GUEST_MS : Number.POSITIVE_INFINITY;
  }

  /** When to probe again while nothing comes: the second time as soon as the first has had its time. */
  private get probeAgainAt(): Instant {
    const soonest = this.lastProbedAt + Math.min(this.answerWithinMs, PROBE_EVERY_MS);
    const [first = soonest, second, third] = this.silentProbes;
    if (second === undefined) return soonest;
    return third === undefined ? Math.max(soonest, first + this.everyMs) : this.lastProbedAt + PROBE_EVERY_MS;
  }

  private await(token: Uint8Array, bytes: number, now: Instant): void {
    const [oldest] = this.outstanding.keys();
    if (this.outstanding.size >= OUTSTANDING_MAX && oldest !== undefined) this.outstanding.delete(oldest);
    this.outstanding.set(toHex(token), { sentAt: now, bytes, isLate: false });
  }

  /** Answers that should have come by now count as lost; they may come yet. */
  private countLate(now: Instant): void {
    for (const probe of this.outstanding.values()) {
      if (!this.proven || probe.bytes > 0 || probe.isLate || now < probe.sentAt + this.answerWithinMs) continue;
      probe.isLate = true;
      this.lossShare += LOSS_WEIGHT * (1 - this.lossShare);
    }
  }

  private isLost(now: Instant): boolean {
    if (!this.proven) return now >= this.createdAt + UNPROVEN_MS;
    return now >= Math.min(this.lostAt, this.leavesAt);
  }

  private probeAt({ isClose, quietMs }: Watch): Instant {
    if (!this.proven) {
      const next = this.firstProbes[this.probes];
      return next === undefined ? Number.POSITIVE_INFINITY : this.createdAt + next;
    }
    if (this.silentProbes.length > 0) return this.probeAgainAt;
    const compare = this.isCompared ? Number.POSITIVE_INFINITY : this.lastProbedAt + this.everyMs;
    if (!isClose) return Math.min(compare, this.lastReceivedAt + quietMs);
    const awaited =
      this.lastSentAt > this.lastReceivedAt ? this.lastReceivedAt + this.everyMs : Number.POSITIVE_INFINITY;
    const soonest = Math.max(awaited, this.lastProbedAt + this.everyMs);
    const silence = this.lastReceivedAt + quietMs;
    return Math.min(compare, soonest, silence, this.measureAt(quietMs), this.size.dueAt(this.answerWithinMs));
  }
}
